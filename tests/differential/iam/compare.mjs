// SPDX-License-Identifier: Apache-2.0
//
// Random principals, policies and requests, decided by our evaluator (driver.c) and by the npm
// package @cloud-copilot/iam-simulate; every decision must be equal or explained below.
//
// usage: node compare.mjs DRIVER [CASES] [SEED]
import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import path from 'node:path'
import { pathToFileURL } from 'node:url'

const require = createRequire(import.meta.url)
const main = require.resolve('@cloud-copilot/iam-simulate')
const esm = path.join(main.slice(0, main.lastIndexOf('iam-simulate') + 12), 'dist/esm')
const load = (p) => import(pathToFileURL(path.join(esm, p)).href)
const { authorize } = await load('core_engine/CoreSimulatorEngine.js')
const { AwsRequestImpl } = await load('request/request.js')
const { RequestContextImpl } = await load('requestContext.js')
const { DiscoveryContextKeyConstraints } = await load(
  'context_keys/discoveryContextKeyConstraints.js')
const policyMain = createRequire(main).resolve('@cloud-copilot/iam-policy')
const { loadPolicy } = createRequire(main)(policyMain)

const [driver, nCases = '10000', seedText = '1'] = process.argv.slice(2)
let seed = BigInt.asUintN(64, BigInt(seedText) * 0xd1342543de82ef95n + 0x632be59bd9b4e019n)
const next = () => {
  seed = BigInt.asUintN(64, seed + 0x9e3779b97f4a7c15n)
  let z = seed
  z = BigInt.asUintN(64, (z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n)
  z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94d049bb133111ebn)
  return Number((z ^ (z >> 31n)) & 0xffffffffn)
}
const below = (n) => next() % n
const pick = (a) => a[below(a.length)]
const chance = (percent) => below(100) < percent
const some = (a, max = 3) => Array.from({ length: 1 + below(max) }, () => pick(a))
const oneOrMany = (a) => (a.length === 1 && chance(50) ? a[0] : a)

const A = '111111111111', B = '222222222222'
const principals = [
  { kind: 'user', account: A, arn: `arn:aws:iam::${A}:user/ann`, name: 'ann' },
  { kind: 'user', account: A, arn: `arn:aws:iam::${A}:user/dev/bob`, name: 'bob' },
  { kind: 'user', account: B, arn: `arn:aws:iam::${B}:user/ann`, name: 'ann' },
  { kind: 'role', account: A, arn: `arn:aws:sts::${A}:assumed-role/Fn/s1`,
    roleArn: `arn:aws:iam::${A}:role/Fn`, name: 'Fn' },
  { kind: 'role', account: B, arn: `arn:aws:sts::${B}:assumed-role/Fn/s2`,
    roleArn: `arn:aws:iam::${B}:role/Fn`, name: 'Fn' },
  { kind: 'service', account: A, arn: 'lambda.amazonaws.com', name: 'lambda.amazonaws.com' },
]
const requests = [
  ['dynamodb:PutItem', `arn:aws:dynamodb:us-east-1:${A}:table/notes`],
  ['dynamodb:GetItem', `arn:aws:dynamodb:us-east-1:${A}:table/ann`],
  ['dynamodb:Query', `arn:aws:dynamodb:eu-west-1:${B}:table/notes/index/by-day`],
  ['lambda:InvokeFunction', `arn:aws:lambda:us-east-1:${A}:function:hello`],
  ['lambda:InvokeFunction', `arn:aws:lambda:us-east-1:${B}:function:hello:live`],
  ['sqs:SendMessage', `arn:aws:sqs:us-east-1:${A}:jobs`],
  ['logs:PutLogEvents', `arn:aws:logs:us-east-1:${A}:log-group:/aws/x:log-stream:y`],
]
const actionPatterns = ['*', 'dynamodb:*', 'dynamodb:PutItem', 'DynamoDB:putitem', 'dynamodb:?etItem',
  'dynamodb:*Item', 'lambda:InvokeFunction', 'lambda:Invoke*', 'sqs:Send*', 'logs:*', 's3:*',
  'dynamodb:Q*y']
const resourcePatterns = (req) => [req[1], req[1], '*', req[1].slice(0, -2) + '*',
  req[1].replace('us-east-1', '*'), req[1].replace(A, '*'), req[1].slice(0, -1) + '?',
  `arn:aws:dynamodb:*:*:table/\${aws:username}`, `arn:aws:dynamodb:*:${A}:table/*`,
  `arn:aws:lambda:us-east-1:${A}:function:\${aws:PrincipalTag/team, 'hello'}`,
  `arn:aws:dynamodb:*:*:table/\${aws:PrincipalTag/team}`, 'arn:aws:*:*:*:*',
  `arn:aws:dynamodb:us-east-1:${A}:table/no?es`, `arn:aws:sqs:us-east-1:${B}:jobs`,
  `arn:aws:sqs:us-east-1:${A}:jo\${*}`]
const keys = {
  'aws:SourceIp': ['10.0.0.7', '192.168.1.9', '2001:db8::1'],
  'aws:PrincipalTag/team': ['blue', 'red', 'notes', 'hello', 'Blue'],
  'aws:RequestTag/env': ['prod', 'dev', 'p*'],
  'aws:SecureTransport': ['true', 'false'],
  'aws:SourceArn': [`arn:aws:execute-api:us-east-1:${A}:abc/*/GET/x`, `arn:aws:s3:::b`, 'nonsense'],
  'aws:SourceAccount': [A, B],
  'aws:CurrentTime': ['2024-01-02T03:04:05Z', '2023-12-31T23:59:59Z'],
  's3:max-keys': ['10', '5', '3.5', 'ten'],
  'aws:TagKeys': [['env'], ['env', 'team'], ['cost', 'team', 'env']],
  'dynamodb:LeadingKeys': [['ann'], ['bob', 'ann'], ['x']],
  'aws:UserAgent': ['aws-cli/2', 'Boto3/1'],
}
const stringOps = ['StringEquals', 'StringNotEquals', 'StringEqualsIgnoreCase',
  'StringNotEqualsIgnoreCase', 'StringLike', 'StringNotLike']
const ops = {
  string: [stringOps, ['blue', 'red', 'BLUE', 'b*', 'p?*', 'env', 'team', '${aws:username}', 'ann',
    'prod', '*', '${aws:PrincipalTag/team}', "${aws:RequestTag/env, 'dev'}", 'p${*}', 'Boto*']],
  num: [['NumericEquals', 'NumericNotEquals', 'NumericLessThan', 'NumericLessThanEquals',
    'NumericGreaterThan', 'NumericGreaterThanEquals'], ['10', '5', '7', '3.5']],
  date: [['DateEquals', 'DateNotEquals', 'DateLessThan', 'DateLessThanEquals', 'DateGreaterThan',
    'DateGreaterThanEquals'], ['2024-01-02T03:04:05Z', '2024-01-01T00:00:00Z', '2023-01-01T00:00:00Z']],
  ip: [['IpAddress', 'NotIpAddress'], ['10.0.0.0/8', '192.168.1.9', '128.0.0.0/1', '2001:db8::/32']],
  arn: [['ArnEquals', 'ArnLike', 'ArnNotEquals', 'ArnNotLike'],
    [`arn:aws:execute-api:*:${A}:abc/*`, 'arn:aws:s3:::*', `arn:aws:execute-api:us-east-1:${A}:abc/*/GET/x`]],
  bool: [['Bool'], ['true', 'false', 'TRUE']],
  null: [['Null'], ['true', 'false']],
}
const forKey = {
  'aws:SourceIp': ['ip', 'null'], 's3:max-keys': ['num', 'null'], 'aws:CurrentTime': ['date'],
  'aws:SourceArn': ['arn', 'string', 'null'], 'aws:SecureTransport': ['bool', 'null'],
}

function condition() {
  const out = {}
  for (let i = 1 + below(2); i > 0; i--) {
    const key = pick(Object.keys(keys))
    const family = pick(forKey[key] ?? ['string', 'string', 'null'])
    let op = pick(ops[family][0])
    const isMany = Array.isArray(keys[key][0])
    if (family !== 'null') {
      if (isMany || chance(8)) op = pick(['ForAnyValue:', 'ForAllValues:']) + op
      if (chance(25)) op += 'IfExists'
    }
    const name = chance(10) ? key.toUpperCase().replace('AWS:', 'aws:') : key
    out[op] = { ...(out[op] ?? {}), [name]: oneOrMany(some(ops[family][1])) }
  }
  return out
}

function statement(req, withPrincipal, denyPercent) {
  const st = { Effect: chance(denyPercent) ? 'Deny' : 'Allow' }
  st[chance(12) ? 'NotAction' : 'Action'] = oneOrMany(
    chance(60) ? [req[0]] : some(actionPatterns))
  st[chance(12) ? 'NotResource' : 'Resource'] = oneOrMany(some(resourcePatterns(req), 2))
  if (chance(45)) st.Condition = condition()
  if (withPrincipal) {
    const one = () => pick([['AWS', '*'], ['AWS', A], ['AWS', `arn:aws:iam::${B}:root`],
      ['AWS', pick(principals.slice(0, 5)).arn], ['AWS', `arn:aws:iam::${A}:role/Fn`],
      ['AWS', `arn:aws:iam::${B}:role/Fn`], ['Service', 'lambda.amazonaws.com'],
      ['Service', 's3.amazonaws.com']])
    const p = {}
    for (let i = 1 + below(2); i > 0; i--) {
      const [k, v] = one()
      p[k] = p[k] ? [].concat(p[k], v) : v
    }
    if (chance(10)) st.Principal = '*'
    else st[st.Effect === 'Deny' && chance(20) ? 'NotPrincipal' : 'Principal'] = p
  }
  return st
}

const policy = (req, withPrincipal = false, denyPercent = 15) => ({
  Version: chance(90) ? '2012-10-17' : '2008-10-17',
  Statement: Array.from({ length: 1 + below(3) }, () => statement(req, withPrincipal, denyPercent)),
})
const many = (f, max) => Array.from({ length: below(max + 1) }, f)

function makeCase() {
  const who = pick(principals), req = pick(requests)
  const context = {}
  for (const k of Object.keys(keys)) if (chance(60)) context[k] = pick(keys[k])
  context['aws:CurrentTime'] = pick(keys['aws:CurrentTime']) // always there on AWS
  if (who.kind === 'user') context['aws:username'] = who.name
  if (who.kind !== 'service') context['aws:PrincipalAccount'] = who.account
  const isService = who.kind === 'service'
  return {
    who, req, context,
    owner: req[1].split(':')[4],
    identity: isService ? [] : many(() => policy(req), 3),
    boundary: !isService && chance(25) ? policy(req) : undefined,
    session: who.kind === 'role' && chance(25) ? policy(req) : undefined,
    resource: chance(isService ? 90 : 45) ? policy(req, true) : undefined,
    scp: chance(15) ? policy(req) : undefined,
  }
}

function theirs(c) {
  const named = (p, i = 0) => loadPolicy(p, { name: `p${i}` })
  const request = new AwsRequestImpl(c.who.arn, { resource: c.req[1], accountId: c.owner }, c.req[0],
    new RequestContextImpl(c.context))
  return authorize({
    request,
    sessionPolicy: c.session && named(c.session),
    identityPolicies: c.identity.map(named),
    serviceControlPolicies: c.scp ? [{ orgIdentifier: 'o', policies: [named(c.scp)] }] : [],
    resourceControlPolicies: [{ orgIdentifier: 'o', policies: [named({ Version: '2012-10-17',
      Statement: { Effect: 'Allow', Principal: '*', Action: '*', Resource: '*' } })] }],
    resourcePolicy: c.resource && named(c.resource),
    permissionBoundaries: c.boundary ? [named(c.boundary)] : undefined,
    vpcEndpointPolicies: undefined,
    simulationParameters: { simulationMode: 'Strict',
      discoveryContextKeyConstraints: new DiscoveryContextKeyConstraints([]) },
  })
}

const toLine = (c) => JSON.stringify({
  kind: c.who.kind, account: c.who.account, arn: c.who.arn, name: c.who.name,
  roleArn: c.who.roleArn ?? '', action: c.req[0], resource: c.req[1], owner: c.owner,
  ctx: Object.entries(c.context).flatMap(([k, v]) => [].concat(v).map((x) => [k, x])),
  identity: c.identity.map((p) => JSON.stringify(p)),
  boundary: c.boundary ? [JSON.stringify(c.boundary)] : [],
  ...(c.session ? { session: [JSON.stringify(c.session)] } : {}),
  resourcePolicy: c.resource ? [JSON.stringify(c.resource)] : [],
  scp: c.scp ? [JSON.stringify(c.scp)] : [],
})

// Differences that are theirs: name, AWS's rule, when it applies. Anything else is a failure.
const text = (c) => JSON.stringify([c.identity, c.boundary, c.session, c.resource, c.scp])
const explanations = [
  ['session-policy',
   'a resource policy that names the session itself, its user or everybody is not limited by the ' +
   'session policy (AWS: "Session policies", the resource-based policy diagram); they always ' +
   'require the session policy',
   (c, o, t) => c.session && o === 'Allowed' && t === 'ImplicitlyDenied' && c.resource],
  ['variables-of-2008',
   'policy variables are text in version 2008-10-17 (AWS: "Version"); they expand them always',
   (c) => text(c).includes('2008-10-17') && text(c).includes('${')],
  ['variable-without-value',
   '"inverted condition operators … do match against a null value" (AWS: "Policy variables with ' +
   'no value"); they take the whole condition for unmet',
   (c) => /(StringNot|ArnNot)[^}]*\$\{(?![*?$]\})/.test(text(c))],
  ['if-exists',
   'IfExists makes the condition true when the key is missing, after every operator but Null ' +
   '(AWS: "...IfExists condition operators"); they say false after ForAnyValue',
   (c) => /ForAnyValue:\w+IfExists/.test(text(c))],
  ['literal-star',
   '${*} is a star wherever variables are allowed (AWS: "Policy variables: predefined"); they ' +
   'leave it as text in StringEquals and its kin',
   (c) => text(c).includes('p${*}') && c.context['aws:RequestTag/env'] === 'p*'],
  ['ipv6-caller',
   'an IPv6 caller is not at a single IPv4 address, so NotIpAddress holds; they say false',
   (c) => text(c).includes('NotIpAddress') && c.context['aws:SourceIp']?.includes('::')],
  ['scp-service',
   'an organization\'s policies do not apply to service principals (AWS: "SCPs: tasks and ' +
   'entities not restricted"); they apply them', (c) => c.who.kind === 'service' && c.scp],
]

const cases = Array.from({ length: Number(nCases) }, makeCase)
const run = spawnSync(driver, { input: cases.map(toLine).join('\n') + '\n',
  maxBuffer: 1 << 28, encoding: 'utf8' })
if (run.status !== 0) throw new Error(`driver: ${run.signal ?? run.status} ${run.stderr}`)
const ours = run.stdout.trimEnd().split('\n')
const tally = {}, why = new Map()
let equal = 0, failed = 0
for (let i = 0; i < cases.length; i++) {
  const t = theirs(cases[i]).result, o = ours[i]
  tally[t] = (tally[t] ?? 0) + 1
  if (o === t) {
    equal++
    continue
  }
  const known = explanations.find(([, , f]) => f(cases[i], o, t))
  if (known) {
    why.set(known, (why.get(known) ?? 0) + 1)
    continue
  }
  if (failed++ < 3) console.log(JSON.stringify({ i, ours: o, theirs: t, ...cases[i] }, null, 1))
}
for (const [[name, reason], n] of why) console.log(`explained ${n} times: ${name}: ${reason}`)
console.log(`seed ${seedText}: ${cases.length} cases`, JSON.stringify(tally))
console.log(`${equal} passed, ${failed} failed`)
process.exit(failed ? 1 : 0)
