/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A native Lambda function (provided.al2023) without an SDK: the Runtime API's loop, an aws-json
 * client for DynamoDB (over plain HTTP, as inside Virga's sandboxes), and notes.  One request at a
 * time, as Lambda promises.
 */

#include "sigv4.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MESSAGE_MAX (7u << 20) /* a request of 6 MB and its headers */

struct text {
    const char *ptr;
    size_t len;
};

/* --- HTTP/1.1, blocking, one connection per message --- */

struct reply {
    int status;
    struct text head, body;
};

static char message[MESSAGE_MAX]; /* the last reply; its parts point here */

static int
dial(const char *address)
{
    char host[128];
    const char *colon = strrchr(address, ':');
    size_t len = colon ? (size_t)(colon - address) : strlen(address);
    if (len >= sizeof(host))
        return -1;
    memcpy(host, address, len);
    host[len] = 0;
    struct sockaddr_in to = { .sin_family = AF_INET,
                              .sin_port = htons((uint16_t)(colon ? atoi(colon + 1) : 80)) };
    if (inet_pton(AF_INET, strcmp(host, "localhost") == 0 ? "127.0.0.1" : host, &to.sin_addr) != 1)
        return -1; /* a static program has no resolver */
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static bool
send_all(int fd, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t sent = send(fd, p, n, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        p += sent;
        n -= (size_t)sent;
    }
    return true;
}

/* The value of a header of the last reply; empty when it is not there. */
static struct text
header(const struct reply *r, const char *name)
{
    size_t len = strlen(name);
    const char *p = r->head.ptr, *end = p + r->head.len;
    while (p < end) {
        const char *eol = memchr(p, '\n', (size_t)(end - p));
        eol = eol ? eol : end;
        if ((size_t)(eol - p) > len && strncasecmp(p, name, len) == 0 && p[len] == ':') {
            const char *v = p + len + 1;
            while (*v == ' ')
                v++;
            while (eol > v && (eol[-1] == '\r' || eol[-1] == ' '))
                eol--;
            return (struct text) { v, (size_t)(eol - v) };
        }
        p = eol + 1;
    }
    return (struct text) { "", 0 };
}

/* Joins the chunks of a chunked body in place. */
static struct text
dechunk(char *p, size_t n)
{
    char *from = p, *to = p, *end = p + n;
    while (from < end) {
        char *line = memchr(from, '\n', (size_t)(end - from));
        unsigned long size = strtoul(from, NULL, 16);
        if (line == NULL || size == 0 || (size_t)(end - line - 1) < size)
            break;
        memmove(to, line + 1, size);
        to += size;
        from = line + 1 + size + 2;
    }
    return (struct text) { p, (size_t)(to - p) };
}

static bool
exchange(const char *address, const char *method, const char *path, const char *headers,
         struct text body, struct reply *ret)
{
    int fd = dial(address);
    if (fd < 0)
        return false;
    char head[8192];
    int n =
        snprintf(head, sizeof(head),
                 "%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\nContent-Length: %zu\r\n%s\r\n",
                 method, path, address, body.len, headers);
    bool ok = n > 0 && (size_t)n < sizeof(head) && send_all(fd, head, (size_t)n)
              && send_all(fd, body.ptr, body.len);
    size_t len = 0;
    while (ok && len < sizeof(message) - 1) {
        ssize_t got = recv(fd, message + len, sizeof(message) - 1 - len, 0);
        if (got <= 0)
            break;
        len += (size_t)got;
    }
    close(fd);
    message[len] = 0;
    char *split = ok ? strstr(message, "\r\n\r\n") : NULL;
    if (split == NULL || sscanf(message, "HTTP/1.%*d %d", &ret->status) != 1)
        return false;
    ret->head = (struct text) { message, (size_t)(split + 2 - message) };
    ret->body = (struct text) { split + 4, len - (size_t)(split + 4 - message) };
    struct text coding = header(ret, "Transfer-Encoding");
    if (coding.len == 7 && strncasecmp(coding.ptr, "chunked", 7) == 0)
        ret->body = dechunk(split + 4, ret->body.len);
    return true;
}

/* --- just enough JSON: find a value by its path, take one level of escapes off --- */

static const char *
skip_space(const char *p)
{
    while (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t')
        p++;
    return p;
}

static const char *
skip_string(const char *p)
{
    for (p++; *p && *p != '"'; p++)
        if (*p == '\\' && p[1])
            p++;
    return *p ? p + 1 : p;
}

static const char *
skip_value(const char *p)
{
    int depth = 0;
    do {
        p = skip_space(p);
        if (*p == '"') {
            p = skip_string(p);
        } else if (*p == '{' || *p == '[') {
            depth++;
            p++;
        } else if (*p == '}' || *p == ']') {
            depth--;
            p++;
        } else if (*p == ',' || *p == ':') {
            p++;
        } else {
            while (*p && !strchr(",]} \r\n\t:", *p))
                p++;
        }
    } while (depth > 0 && *p);
    return p;
}

/* The value at "a.b.c", a string without its quotes but still escaped; ptr NULL when absent. */
static struct text
find(const char *json, const char *path)
{
    const char *p = skip_space(json);
    while (*p == '{') {
        size_t len = strcspn(path, ".");
        const char *value = NULL;
        p = skip_space(p + 1);
        while (*p == '"') {
            const char *end = skip_string(p);
            bool is_it = (size_t)(end - p) == len + 2 && memcmp(p + 1, path, len) == 0;
            p = skip_space(end);
            if (*p == ':')
                p = skip_space(p + 1);
            if (is_it) {
                value = p;
                break;
            }
            p = skip_space(skip_value(p));
            if (*p == ',')
                p = skip_space(p + 1);
        }
        if (value == NULL)
            break;
        if (path[len] == 0) {
            const char *end = skip_value(value);
            return *value == '"' ? (struct text) { value + 1, (size_t)(end - value - 2) }
                                 : (struct text) { value, (size_t)(end - value) };
        }
        p = value;
        path += len + 1;
    }
    return (struct text) { NULL, 0 };
}

/* One level of the plain escapes; \uXXXX stays as it is, which JSON inside JSON allows. */
static void
unescape(struct text in, char *out, size_t size)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    size_t n = 0;
    for (size_t i = 0; i < in.len && n + 1 < size; i++) {
        const char *known =
            in.ptr[i] == '\\' && i + 1 < in.len ? strchr(from, in.ptr[i + 1]) : NULL;
        if (known) {
            out[n++] = to[known - from];
            i++;
        } else {
            out[n++] = in.ptr[i];
        }
    }
    out[n] = 0;
}

static void
escape(const char *in, char *out, size_t size)
{
    size_t n = 0;
    for (; *in && n + 2 < size; in++) {
        if (*in == '"' || *in == '\\')
            out[n++] = '\\';
        out[n++] = *in;
    }
    out[n] = 0;
}

/* As snprintf; false when it does not fit. */
static bool __attribute__((format(printf, 3, 4))) fill(char *to, size_t size, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(to, size, fmt, ap);
    va_end(ap);
    return n >= 0 && (size_t)n < size;
}

/* --- DynamoDB --- */

static bool
dynamodb(const char *operation, const char *body, struct reply *ret)
{
    const char *endpoint = getenv("AWS_ENDPOINT_URL_DYNAMODB");
    endpoint = endpoint ? endpoint : getenv("AWS_ENDPOINT_URL");
    if (endpoint == NULL)
        return false;
    char address[128], target[64], headers[6144];
    const char *start = strncmp(endpoint, "http://", 7) == 0 ? endpoint + 7 : endpoint;
    if (!fill(address, sizeof(address), "%.*s", (int)strcspn(start, "/"), start)
        || !fill(target, sizeof(target), "DynamoDB_20120810.%s", operation))
        return false;
    int n = snprintf(headers, sizeof(headers),
                     "Content-Type: application/x-amz-json-1.0\r\nX-Amz-Target: %s\r\n", target);
    int more = sigv4_headers(headers + n, sizeof(headers) - (size_t)n, "dynamodb", address, target,
                             body, strlen(body));
    return more > 0
           && exchange(address, "POST", "/", headers, (struct text) { body, strlen(body) }, ret);
}

/* --- notes --- */

#define NOTE_MAX (400u << 10) /* an item's own bound */

static char out[3 * NOTE_MAX], request[2 * NOTE_MAX], note[2 * NOTE_MAX];

/* `note` becomes the reason: DynamoDB's own answer, or that there was none. */
static bool
failed(bool answered, const struct reply *r)
{
    if (answered)
        fill(note, sizeof(note), "%.*s", (int)(r->body.len < 4096 ? r->body.len : 4096),
             r->body.ptr);
    else
        fill(note, sizeof(note), "no answer from DynamoDB");
    return false;
}

static void
answer(int status, const char *json)
{
    static char quoted[2 * NOTE_MAX];
    escape(json, quoted, sizeof(quoted));
    fill(out, sizeof(out),
         "{\"statusCode\":%d,\"headers\":{\"content-type\":\"application/json\"},\"body\":\"%s\"}",
         status, quoted);
}

/* `text` is still escaped as JSON needs, and goes through as it came. */
static bool
put_note(const char *id, struct text text)
{
    struct reply r;
    bool fits =
        fill(request, sizeof(request),
             "{\"TableName\":\"%s\",\"ConditionExpression\":\"attribute_not_exists(id)\",\"Item\":{"
             "\"language\":{\"S\":\"native\"},\"id\":{\"S\":\"%s\"},\"text\":{\"S\":\"%.*s\"}}}",
             getenv("TABLE"), id, (int)text.len, text.ptr);
    fits = fits
           && fill(note, sizeof(note), "{\"language\":\"native\",\"id\":\"%s\",\"text\":\"%.*s\"}",
                   id, (int)text.len, text.ptr);
    if (!fits) {
        answer(413, "{\"message\":\"the note is too long\"}");
        return true;
    }
    bool answered = dynamodb("PutItem", request, &r);
    if (!answered || r.status != 200)
        return failed(answered, &r);
    printf("kept note %s\n", id);
    answer(201, note);
    return true;
}

static bool
get_note(struct text id)
{
    struct reply r;
    fill(request, sizeof(request),
         "{\"TableName\":\"%s\",\"ConsistentRead\":true,\"Key\":{\"language\":{\"S\":\"native\"},"
         "\"id\":{\"S\":\"%.*s\"}}}",
         getenv("TABLE"), (int)id.len, id.ptr);
    bool answered = dynamodb("GetItem", request, &r);
    if (!answered || r.status != 200)
        return failed(answered, &r);
    struct text text = find(r.body.ptr, "Item.text.S");
    if (text.ptr == NULL) {
        answer(404, "{\"message\":\"no such note\"}");
        return true;
    }
    fill(note, sizeof(note), "{\"language\":\"native\",\"id\":\"%.*s\",\"text\":\"%.*s\"}",
         (int)id.len, id.ptr, (int)text.len, text.ptr);
    answer(200, note);
    return true;
}

/* False: `note` says why, and the invocation fails. */
static bool
handle(const char *event, const char *request_id)
{
    static char body[NOTE_MAX];
    struct text method = find(event, "requestContext.http.method");
    struct text id = find(event, "pathParameters.id");
    if (id.ptr != NULL)
        return get_note(id);
    unescape(find(event, "body"), body, sizeof(body));
    struct text text = find(body, "text");
    if (method.len == 4 && memcmp(method.ptr, "POST", 4) == 0 && text.ptr != NULL)
        return put_note(request_id, text);
    answer(400, "{\"message\":\"send a text, or name a note\"}");
    return true;
}

int
main(void)
{
    const char *api = getenv("AWS_LAMBDA_RUNTIME_API");
    static char event[MESSAGE_MAX];
    struct reply r;
    for (;;) {
        if (!exchange(api, "GET", "/2018-06-01/runtime/invocation/next", "",
                      (struct text) { "", 0 }, &r)
            || r.status != 200)
            return 1;
        char id[64], path[160];
        struct text rid = header(&r, "Lambda-Runtime-Aws-Request-Id");
        snprintf(id, sizeof(id), "%.*s", (int)rid.len, rid.ptr);
        snprintf(event, sizeof(event), "%.*s", (int)r.body.len, r.body.ptr);
        bool ok = handle(event, id);
        if (!ok) {
            printf("failed: %s\n", note);
            static char quoted[2 * NOTE_MAX];
            escape(note, quoted, sizeof(quoted));
            fill(out, sizeof(out), "{\"errorType\":\"DynamoDBError\",\"errorMessage\":\"%s\"}",
                 quoted);
        }
        fflush(stdout);
        snprintf(path, sizeof(path), "/2018-06-01/runtime/invocation/%s/%s", id,
                 ok ? "response" : "error");
        if (!exchange(api, "POST", path, "", (struct text) { out, strlen(out) }, &r))
            return 1;
    }
}
