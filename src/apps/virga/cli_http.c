/* SPDX-License-Identifier: Apache-2.0 */

/* One blocking HTTP/1.1 request, signed with AWS Signature Version 4. */

#include "apps/virga/cli.h"
#include "auth/sigv4.h"
#include "os/clock.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define ANSWER_MAX_BYTES (64u << 20)
#define ANSWER_TIMEOUT_S 900 /* as long as a function may run */

/* --- the wire --- */

static vg_rc
dial(const struct cli *cli, int *ret_fd, struct vg_err *err)
{
    struct addrinfo want = { .ai_socktype = SOCK_STREAM }, *found = NULL;
    int rc = getaddrinfo(vg_str_cstr(cli->arena, cli->host), vg_str_cstr(cli->arena, cli->port),
                         &want, &found);
    if (rc != 0)
        return vg_err_set(err, "%" VG_FMT ": %s", VG_ARG(cli->host), gai_strerror(rc));
    int fd = -1, why = ECONNREFUSED;
    for (const struct addrinfo *a = found; a && fd < 0; a = a->ai_next) {
        fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd >= 0 && connect(fd, a->ai_addr, a->ai_addrlen) != 0) {
            why = errno;
            close(fd);
            fd = -1;
        }
    }
    freeaddrinfo(found);
    if (fd < 0)
        return vg_err_errno(err, why, "is `virga serve` running? %" VG_FMT, VG_ARG(cli->endpoint));
    struct timeval timeout = { .tv_sec = ANSWER_TIMEOUT_S };
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
    *ret_fd = fd;
    return VG_OK;
}

static vg_rc
send_all(int fd, struct vg_str data, struct vg_err *err)
{
    while (data.len > 0) {
        ssize_t n = send(fd, data.ptr, data.len, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return vg_err_errno(err, errno, "sending");
        data = vg_str_slice(data, (size_t)n, data.len);
    }
    return VG_OK;
}

static vg_rc
receive_all(int fd, struct vg_buf *into, struct vg_err *err)
{
    for (;;) {
        char *room = vg_buf_room(into, 64u << 10);
        if (room == NULL)
            return vg_err_set(err, "the answer is longer than %u MB", ANSWER_MAX_BYTES >> 20);
        ssize_t n = recv(fd, room, 64u << 10, 0);
        if (n == 0)
            return VG_OK;
        if (n > 0)
            into->len += (size_t)n;
        else if (errno != EINTR)
            return vg_err_errno(err, errno, "waiting for the answer");
    }
}

/* --- the answer --- */

static bool
take_chunks(struct cli *cli, struct vg_str rest, struct vg_str *ret)
{
    struct vg_buf body;
    vg_buf_init(&body, cli->arena, ANSWER_MAX_BYTES);
    for (;;) {
        struct vg_str line = vg_str_cut(&rest, '\n');
        size_t size = 0, digits = 0;
        for (; digits < line.len && digits < 8; digits++) {
            const char *hex = "0123456789abcdef";
            const char *at = memchr(hex, line.ptr[digits] | 0x20, 16);
            if (at == NULL)
                break;
            size = size * 16 + (size_t)(at - hex);
        }
        if (digits == 0 || size > rest.len)
            return false;
        if (size == 0) {
            *ret = vg_buf_str(&body);
            return true;
        }
        vg_buf_add(&body, rest.ptr, size);
        rest = vg_str_slice(rest, size + 2, rest.len);
    }
}

static vg_rc
take_answer(struct cli *cli, struct vg_str answer, struct cli_reply *ret, struct vg_err *err)
{
    size_t split = vg_str_find(answer, VG_STR("\r\n\r\n"));
    int64_t status = 0, length = -1;
    if (split == VG_NPOS || !vg_str_starts(answer, VG_STR("HTTP/1."))
        || !vg_str_to_i64(vg_str_slice(answer, 9, 12), &status))
        return vg_err_set(err, "%" VG_FMT " did not answer as an HTTP server does",
                          VG_ARG(cli->endpoint));
    struct vg_str head = vg_str_slice(answer, 0, split);
    struct vg_str body = vg_str_slice(answer, split + 4, answer.len);
    bool is_chunked = false;
    while (head.ptr) {
        struct vg_str line = vg_str_cut(&head, '\n');
        struct vg_str name = vg_str_cut(&line, ':');
        if (line.len > 0 && line.ptr[line.len - 1] == '\r')
            line.len--;
        line = vg_str_trim(line);
        if (vg_str_eq_nocase(name, VG_STR("content-length")))
            (void)vg_str_to_i64(line, &length);
        if (vg_str_eq_nocase(name, VG_STR("transfer-encoding")))
            is_chunked = vg_str_eq_nocase(line, VG_STR("chunked"));
    }
    ret->status = (int)status;
    ret->body = body;
    if (is_chunked ? !take_chunks(cli, body, &ret->body)
                   : length >= 0 && body.len != (size_t)length)
        return vg_err_set(err, "the connection ended in the middle of the answer");
    return VG_OK;
}

/* --- the signature --- */

/* The wall clock, as signatures need it: "20261123T100000Z". */
static struct vg_str
stamp_now(struct vg_arena *arena)
{
    time_t now = (time_t)(vg_wall_ms() / 1000);
    struct tm tm;
    gmtime_r(&now, &tm);
    return vg_str_fmt(arena, "%04d%02d%02dT%02d%02d%02dZ", tm.tm_year + 1900, tm.tm_mon + 1,
                      tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

/* Adds the headers of a signature of service "virga" over what is in `headers` already. */
static size_t
sign(struct cli *cli, const char *method, struct vg_str path, struct vg_str body,
     struct vg_sigv4_header *headers, size_t n)
{
    struct vg_arena *arena = cli->arena;
    struct vg_str stamp = stamp_now(arena);
    struct vg_str signed_headers = VG_STR("host;x-amz-date");
    headers[n++] = (struct vg_sigv4_header) { VG_STR("X-Amz-Date"), stamp };
    if (cli->token.ptr) {
        headers[n++] = (struct vg_sigv4_header) { VG_STR("X-Amz-Security-Token"), cli->token };
        signed_headers = VG_STR("host;x-amz-date;x-amz-security-token");
    }
    struct vg_sigv4_rules rules = { .family = VG_AUTHN_JSON };
    struct vg_sigv4_request rq = {
        .method = vg_str_of(method), .target = path, .headers = headers, .n_headers = n
    };
    struct vg_sigv4 sig = {
        .access_key_id = cli->key_id,
        .date = vg_str_slice(stamp, 0, 8),
        .region = cli->region,
        .service = VG_STR("virga"),
        .terminator = VG_STR("aws4_request"),
        .amz_date = stamp,
        .signed_headers = signed_headers,
        .token = cli->token,
        .payload = VG_PAYLOAD_BODY,
    };
    struct vg_str canonical =
        vg_sigv4_canonical(arena, &rq, &rules, &sig, vg_sha256_hex(arena, body));
    struct vg_str text = vg_sigv4_string_to_sign(arena, &sig, canonical);
    uint8_t key[VG_SHA256_BYTES], mac[VG_SHA256_BYTES];
    vg_sigv4_signing_key(cli->secret, sig.date, sig.region, sig.service, key);
    vg_hmac_sha256(vg_str_n(key, sizeof(key)), text, mac);
    struct vg_str hex = vg_hex(arena, mac, sizeof(mac));
    struct vg_str value = vg_str_fmt(arena,
                                     "AWS4-HMAC-SHA256 Credential=%" VG_FMT "/%" VG_FMT "/%" VG_FMT
                                     "/virga/aws4_request, "
                                     "SignedHeaders=%" VG_FMT ", Signature=%" VG_FMT,
                                     VG_ARG(cli->key_id), VG_ARG(sig.date), VG_ARG(sig.region),
                                     VG_ARG(signed_headers), VG_ARG(hex));
    headers[n++] = (struct vg_sigv4_header) { VG_STR("Authorization"), value };
    return n;
}

vg_rc
cli_request(struct cli *cli, const char *method, struct vg_str path, struct vg_str body,
            bool is_signed, struct cli_reply *ret, struct vg_err *err)
{
    struct vg_sigv4_header headers[8];
    bool is_v6 = vg_str_find_char(cli->host, ':') != VG_NPOS;
    struct vg_str host = vg_str_fmt(cli->arena, is_v6 ? "[%.*s]:%.*s" : "%.*s:%.*s",
                                    VG_ARG(cli->host), VG_ARG(cli->port));
    headers[0] = (struct vg_sigv4_header) { VG_STR("Host"), host };
    size_t n = is_signed ? sign(cli, method, path, body, headers, 1) : 1;

    struct vg_buf out, in;
    vg_buf_init(&out, cli->arena, ANSWER_MAX_BYTES);
    vg_buf_init(&in, cli->arena, ANSWER_MAX_BYTES);
    vg_buf_addf(&out, "%s %" VG_FMT " HTTP/1.1\r\n", method, VG_ARG(path));
    for (size_t i = 0; i < n; i++)
        vg_buf_addf(&out, "%" VG_FMT ": %" VG_FMT "\r\n", VG_ARG(headers[i].name),
                    VG_ARG(headers[i].value));
    if (body.len > 0)
        vg_buf_addf(&out, "Content-Type: application/json\r\n");
    vg_buf_addf(&out, "Content-Length: %zu\r\nConnection: close\r\n\r\n", body.len);
    vg_buf_adds(&out, body);

    int fd = -1;
    vg_rc rc = dial(cli, &fd, err);
    if (rc == VG_OK)
        rc = send_all(fd, vg_buf_str(&out), err);
    if (rc == VG_OK)
        rc = receive_all(fd, &in, err);
    if (fd >= 0)
        close(fd);
    return rc == VG_OK ? take_answer(cli, vg_buf_str(&in), ret, err) : rc;
}
