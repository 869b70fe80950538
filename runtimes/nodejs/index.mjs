// SPDX-License-Identifier: Apache-2.0
// Virga's runtime client for Node.js: takes events from the Runtime API and gives them to a handler.
//
// Started ahead of need in a sandbox that belongs to no function yet; it then waits for the boot blob
// on descriptor 3 (docs/internals/sandbox.md), which brings the function's environment.  Started with
// VIRGA_BOOT=now it has that environment already.

import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import util from 'node:util';
import { createRequire, Module } from 'node:module';
import { pathToFileURL } from 'node:url';

const BOOT_FD = 3;
const FRAME = Buffer.from('\x1eVL1', 'latin1'); // a log record of several lines; its length follows

// What most functions load first, in the pieces that warmUp() takes.
const SDK = ['tslib', '@smithy/types', '@smithy/core', '@smithy/core/cbor', '@smithy/signature-v4',
  '@smithy/node-http-handler', '@aws-sdk/core', '@aws-sdk/credential-provider-node',
  '@aws-sdk/dynamodb-codec', '@aws-sdk/client-dynamodb', '@aws-sdk/lib-dynamodb'];

// Loads AWS's SDK while nobody waits, a piece at a time until isWanted().  Not by the paths that a
// function's own require() takes: what it brings itself is found first.
async function warmUp(isWanted) {
  const require = createRequire('/var/runtime/');
  const listeners = process.listeners('warning'); // no function's log has them
  process.removeAllListeners('warning');
  for (const name of SDK) {
    await new Promise(setImmediate);
    if (isWanted()) break;
    try {
      require(name);
    } catch {
      break; // a function that needs it will say so itself
    }
  }
  await new Promise(setImmediate);
  for (const listener of listeners) process.on('warning', listener);
}

async function readBoot() {
  const chunk = Buffer.alloc(1 << 18);
  let n = -1;
  const read = new Promise((resolve, reject) => {
    fs.read(BOOT_FD, chunk, 0, chunk.length, null, (e, length) => {
      n = length;
      if (e) reject(e);
      else resolve();
    });
  });
  await Promise.all([read, warmUp(() => n >= 0)]);
  fs.closeSync(BOOT_FD);
  if (n === 0) process.exit(0); // the sandbox is not needed
  const texts = chunk.toString('utf8', 0, n).split('\0');
  const [version, argc, envc] = texts[0].split(' ');
  if (version !== 'VB1') throw new Error('virga: boot blob of another version');
  for (const text of texts.slice(1 + Number(argc), 1 + Number(argc) + Number(envc))) {
    const eq = text.indexOf('=');
    process.env[text.slice(0, eq)] = text.slice(eq + 1);
  }
  chunk.fill(0);
}

// --- the Runtime API: one connection, HTTP/1.1 with Content-Length, as the daemon speaks it --------

class Api {
  constructor(address) {
    const [host, port] = address.split(':');
    this.host = address;
    this.parts = [];
    this.have = 0;
    this.need = 0; // bytes of head and body, once the head is in
    this.head = null;
    this.waiting = null;
    this.sock = net.connect({ host, port: Number(port), noDelay: true });
    this.sock.on('data', (data) => this.take(data));
    this.sock.on('error', () => process.exit(0));
    this.sock.on('close', () => process.exit(0)); // the daemon is gone, and so are we
  }

  take(data) {
    this.parts.push(data);
    this.have += data.length;
    if (!this.head) {
      const all = this.parts.length === 1 ? data : Buffer.concat(this.parts);
      this.parts = [all];
      const end = all.indexOf('\r\n\r\n');
      if (end < 0) return;
      const lines = all.toString('latin1', 0, end).split('\r\n');
      const headers = {};
      for (const line of lines.slice(1)) {
        const colon = line.indexOf(':');
        headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
      }
      this.head = { status: Number(lines[0].split(' ')[1]), headers, start: end + 4 };
      this.need = end + 4 + Number(headers['content-length'] ?? 0);
    }
    if (this.have < this.need) return;
    const all = this.parts.length === 1 ? this.parts[0] : Buffer.concat(this.parts);
    const reply = { ...this.head, body: all.subarray(this.head.start, this.need) };
    const rest = all.subarray(this.need);
    this.parts = rest.length ? [rest] : [];
    this.have = rest.length;
    this.head = null;
    const done = this.waiting;
    this.waiting = null;
    done(reply);
  }

  call(method, target, body, headers = '') {
    let head = `${method} /2018-06-01/runtime/${target} HTTP/1.1\r\nHost: ${this.host}\r\n${headers}`;
    if (body !== undefined) {
      head += `Content-Length: ${Buffer.byteLength(body)}\r\nContent-Type: application/json\r\n`;
    }
    return new Promise((resolve) => {
      this.waiting = resolve;
      this.sock.write(`${head}\r\n${body ?? ''}`);
    });
  }
}

// --- logs --------------------------------------------------------------------------------------------

let requestId = '';

function writeAll(data) {
  let at = 0;
  while (at < data.length) {
    try {
      at += fs.writeSync(1, data, at);
    } catch (e) {
      if (e.code !== 'EAGAIN') return;
    }
  }
}

function logRecord(text) {
  const body = Buffer.from(text, 'utf8');
  const length = Buffer.alloc(4);
  length.writeUInt32LE(body.length);
  writeAll(Buffer.concat([FRAME, length, body]));
}

// time<tab>request id<tab>LEVEL<tab>message: https://docs.aws.amazon.com/lambda/latest/dg/nodejs-logging.html
const LEVELS = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'];

function logLine(level, args) {
  const least = LEVELS.indexOf(process.env.AWS_LAMBDA_LOG_LEVEL);
  if (least > LEVELS.indexOf(level)) return;
  const now = new Date().toISOString();
  if (process.env.AWS_LAMBDA_LOG_FORMAT === 'JSON') {
    logRecord(jsonLine(now, level, args));
    return;
  }
  logRecord(`${now}\t${requestId || 'undefined'}\t${level}\t${util.format(...args)}`);
}

function jsonLine(timestamp, level, args) {
  const line = { timestamp, level, requestId: requestId || undefined };
  if (args.length === 1) {
    const [only] = args;
    if (only instanceof Error) {
      line.message = toError(only);
    } else {
      line.message = only;
    }
  } else {
    line.message = util.format(...args);
  }
  const seen = new WeakSet();
  return JSON.stringify(line, (key, value) => {
    if (typeof value === 'bigint') return value.toString();
    if (value && typeof value === 'object') {
      if (seen.has(value)) return '[Circular]';
      seen.add(value);
    }
    return value instanceof Error ? toError(value) : value;
  });
}

function patchConsole() {
  console.log = (...args) => logLine('INFO', args);
  console.info = console.log;
  console.debug = (...args) => logLine('DEBUG', args);
  console.warn = (...args) => logLine('WARN', args);
  console.error = (...args) => logLine('ERROR', args);
  console.trace = (...args) => logLine('TRACE', args);
}

// --- errors ------------------------------------------------------------------------------------------

class Fault extends Error {
  constructor(kind, message, trace) {
    super(message);
    this.name = kind;
    if (trace) this.stack = trace;
  }
}

function toError(e) {
  if (util.types.isNativeError(e) || e instanceof Error) {
    return {
      errorType: e.name?.replace(/\x7F/g, '%7F') ?? 'Error',
      errorMessage: String(e.message).replace(/\x7F/g, '%7F'),
      trace: String(e.stack ?? '').replace(/\x7F/g, '%7F').split('\n'),
    };
  }
  return {
    errorType: e === null ? 'null' : typeof e,
    errorMessage: typeof e === 'object' && e !== null ? util.inspect(e) : String(e),
    trace: [],
  };
}

function logError(what, e) {
  const error = toError(e);
  const shown = { ...error, ...(e instanceof Error ? ownFields(e) : {}) };
  delete shown.trace;
  shown.stack = error.trace;
  const now = new Date().toISOString();
  logRecord(`${now}\t${requestId || 'undefined'}\tERROR\t${what} \t${JSON.stringify(shown)}`);
}

function ownFields(e) {
  const out = {};
  for (const key of Object.keys(e)) {
    if (!['name', 'message', 'stack'].includes(key)) out[key] = e[key];
  }
  try {
    JSON.stringify(out);
    return out;
  } catch {
    return {};
  }
}

async function postError(api, target, e) {
  const error = toError(e);
  const kind = error.errorType.replace(/[^\x21-\x7e]/g, '');
  await api.call('POST', target, JSON.stringify(error),
    `Lambda-Runtime-Function-Error-Type: ${kind}\r\n`);
}

// --- the handler -------------------------------------------------------------------------------------

async function importModule(base) {
  const require = createRequire('/var/task/');
  const exists = (file) => fs.existsSync(file) && fs.statSync(file).isFile();
  if (exists(base)) return require(base); // a name with its extension
  if (exists(`${base}.js`)) {
    return isEsm(`${base}.js`) ? import(pathToFileURL(`${base}.js`)) : require(`${base}.js`);
  }
  if (exists(`${base}.mjs`)) return import(pathToFileURL(`${base}.mjs`));
  if (exists(`${base}.cjs`)) return require(`${base}.cjs`);
  let found;
  try {
    found = require.resolve(path.basename(base), {
      paths: [path.dirname(base), ...Module.globalPaths],
    });
  } catch {
    throw new Fault('Runtime.ImportModuleError',
      `Error: Cannot find module '${path.basename(base)}'\nRequire stack:\n- /var/runtime/index.mjs`);
  }
  return require(found);
}

function isEsm(file) {
  for (let dir = path.dirname(file); ; dir = path.dirname(dir)) {
    const manifest = path.join(dir, 'package.json');
    if (fs.existsSync(manifest)) {
      try {
        return JSON.parse(fs.readFileSync(manifest, 'utf8')).type === 'module';
      } catch {
        return false;
      }
    }
    if (dir === '/' || dir === '/var/task') return false;
  }
}

async function loadHandler(root, name) {
  if (name.includes('..')) {
    throw new Fault('Runtime.MalformedHandlerName',
      `'${name}' is not a valid handler name. Use absolute paths when specifying root directories in handler names.`);
  }
  const slash = name.lastIndexOf('/');
  const dot = name.indexOf('.', slash + 1);
  if (dot < 0) throw new Fault('Runtime.MalformedHandlerName', 'Bad handler');
  const base = path.resolve(root, name.slice(0, dot));
  const what = name.slice(dot + 1);
  let module;
  try {
    module = await importModule(base);
  } catch (e) {
    if (e instanceof Fault) throw e;
    if (e instanceof SyntaxError) throw new Fault('Runtime.UserCodeSyntaxError', String(e), e.stack);
    if (e?.code === 'MODULE_NOT_FOUND' || e?.code === 'ERR_MODULE_NOT_FOUND') {
      throw new Fault('Runtime.ImportModuleError', String(e), e.stack);
    }
    throw e;
  }
  const pick = (from) => what.split('.').reduce((at, key) => at?.[key], from);
  const handler = pick(module) ?? pick(module?.default);
  if (handler === undefined || handler === null) {
    throw new Fault('Runtime.HandlerNotFound', `${name} is undefined or not exported`);
  }
  if (typeof handler !== 'function') {
    throw new Fault('Runtime.HandlerNotFound', `${name} is not a function`);
  }
  if (handler[STREAMING]) {
    throw new Fault('Runtime.InvalidStreamingOperation',
      'Response streaming is not supported: awslambda.streamifyResponse handlers cannot run here yet.');
  }
  return handler;
}

const STREAMING = Symbol.for('aws.lambda.runtime.handler.streaming');

// https://docs.aws.amazon.com/lambda/latest/dg/nodejs-context.html
function makeContext(headers, run) {
  const deadline = Number(headers['lambda-runtime-deadline-ms'] ?? 0);
  const parse = (text) => (text ? JSON.parse(text) : undefined);
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
    clientContext: parse(headers['lambda-runtime-client-context']),
    identity: parse(headers['lambda-runtime-cognito-identity']),
    invokedFunctionArn: headers['lambda-runtime-invoked-function-arn'],
    awsRequestId: headers['lambda-runtime-aws-request-id'],
    getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()),
    done: run.callback,
    succeed: (result) => run.callback(null, result),
    fail: (error) => run.callback(error ?? new Error('handled')),
  };
}

// One event: resolves with the handler's result, by promise, by callback or by an empty event loop.
function runHandler(handler, event, headers) {
  return new Promise((resolve, reject) => {
    const run = { context: null };
    let called = false;
    run.callback = (error, result) => {
      if (called) return;
      called = true;
      process.removeListener('beforeExit', onEmpty);
      const finish = () => (error ? reject(error) : resolve(result));
      if (error || !run.context.callbackWaitsForEmptyEventLoop) {
        setImmediate(finish);
      } else {
        onIdle = finish;
        process.once('beforeExit', finish);
      }
    };
    let onIdle = null;
    const onEmpty = () => {
      if (!onIdle) resolve(null); // nothing is left that could answer: AWS gives null
    };
    process.once('beforeExit', onEmpty);
    const context = makeContext(headers, run);
    run.context = context;
    const settle = (end) => (value) => {
      process.removeListener('beforeExit', onEmpty);
      end(value);
    };
    try {
      const result = handler(event, context, run.callback);
      if (typeof result?.then === 'function') result.then(settle(resolve), settle(reject));
    } catch (e) {
      settle(reject)(e);
    }
  });
}

async function once(api, handler) {
  api.sock.ref();
  requestId = '';
  const next = await api.call('GET', 'invocation/next');
  if (next.status !== 200) process.exit(0);
  requestId = next.headers['lambda-runtime-aws-request-id'];
  const trace = next.headers['lambda-runtime-trace-id'];
  if (trace) process.env._X_AMZN_TRACE_ID = trace;
  else delete process.env._X_AMZN_TRACE_ID;
  let body;
  try {
    const event = JSON.parse(next.body.toString('utf8'));
    api.sock.unref(); // while the handler runs only its own work keeps the loop alive
    const result = await runHandler(handler, event, next.headers);
    try {
      body = JSON.stringify(result === undefined ? null : result) ?? 'null';
    } catch (e) {
      throw new Fault('Runtime.MarshalError', `Unable to stringify response body: ${e.message}`);
    }
  } catch (e) {
    api.sock.ref();
    logError('Invoke Error', e);
    await postError(api, `invocation/${requestId}/error`, e);
    return;
  }
  api.sock.ref();
  await api.call('POST', `invocation/${requestId}/response`, body);
}

function watchForCrashes(api) {
  const crash = (kind, what) => async (e) => {
    const error = kind ? new Fault(kind, util.inspect(e, { depth: 0 }).split('\n')[0], e?.stack) : e;
    if (kind) error.reason = toError(e);
    logError(what, error);
    api.sock.ref();
    api.waiting = null;
    await postError(api, requestId ? `invocation/${requestId}/error` : 'init/error', error);
    process.exit(kind ? 128 : 129);
  };
  process.on('uncaughtException', crash(null, 'Uncaught Exception'));
  process.on('unhandledRejection', (e) =>
    crash('Runtime.UnhandledPromiseRejection', 'Unhandled Promise Rejection')(e));
}

function setGlobals() {
  globalThis.awslambda = {
    streamifyResponse: (handler) => {
      handler[STREAMING] = true;
      return handler;
    },
    HttpResponseStream: class HttpResponseStream {},
  };
  const home = '/var/runtime';
  const major = process.versions.node.split('.')[0];
  process.env.NODE_PATH ??= `/opt/nodejs/node${major}/node_modules:/opt/nodejs/node_modules:${home}/node_modules:/var/node_modules`;
  Module._initPaths();
}

async function main() {
  await import('node:http'); // ahead of need: nearly every function uses it
  if (process.env.VIRGA_BOOT !== 'now') await readBoot();
  delete process.env.VIRGA_BOOT;
  const root = process.env.LAMBDA_TASK_ROOT ?? '/var/task';
  process.chdir(root);
  setGlobals();
  patchConsole();
  const api = new Api(process.env.AWS_LAMBDA_RUNTIME_API);
  watchForCrashes(api);
  let handler;
  try {
    handler = await loadHandler(root, process.env._HANDLER ?? '');
  } catch (e) {
    logError(e instanceof Fault ? 'Uncaught Exception' : 'Init Error', e);
    await postError(api, 'init/error', e);
    process.exit(1);
  }
  for (;;) await once(api, handler);
}

await main();
