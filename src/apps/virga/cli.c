/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/virga/cli.h"

#include "codec/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLI_ARENA_BYTES (256u << 20)

/* What a variable says, or absent where it is unset or empty. */
static struct vg_str
variable(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? vg_str_of(value) : VG_STR_NONE;
}

static struct vg_str
first(struct vg_str a, struct vg_str b)
{
    return a.ptr ? a : b;
}

static vg_rc
split_endpoint(struct cli *cli, struct vg_err *err)
{
    struct vg_str rest = cli->endpoint;
    if (vg_str_starts_nocase(rest, VG_STR("https://")))
        return vg_err_set(err, "%" VG_FMT ": this command speaks http; name the plain listener",
                          VG_ARG(rest));
    if (!vg_str_starts_nocase(rest, VG_STR("http://")))
        return vg_err_set(err, "%" VG_FMT " is not an endpoint such as http://127.0.0.1:4566",
                          VG_ARG(rest));
    rest = vg_str_slice(rest, strlen("http://"), rest.len);
    rest = vg_str_cut(&rest, '/');
    size_t colon = vg_str_rfind_char(rest, ':');
    size_t bracket = vg_str_rfind_char(rest, ']');
    cli->port = VG_STR("80");
    if (colon != VG_NPOS && (bracket == VG_NPOS || colon > bracket)) {
        cli->port = vg_str_slice(rest, colon + 1, rest.len);
        rest = vg_str_slice(rest, 0, colon);
    }
    if (rest.len > 2 && rest.ptr[0] == '[')
        rest = vg_str_slice(rest, 1, rest.len - 1);
    cli->host = rest;
    uint64_t port;
    if (rest.len == 0 || !vg_str_to_u64(cli->port, &port) || port == 0 || port > 65535)
        return vg_err_set(err, "%" VG_FMT " is not an endpoint such as http://127.0.0.1:4566",
                          VG_ARG(cli->endpoint));
    return VG_OK;
}

vg_rc
cli_open(struct cli *cli, int *argc, char **argv, struct vg_err *err)
{
    *cli = (struct cli) { .arena = vg_arena_new(CLI_ARENA_BYTES) };
    int kept = 0;
    for (int i = 0; i < *argc; i++) {
        struct vg_str arg = vg_str_of(argv[i]);
        struct vg_str *value = NULL;
        if (vg_str_eq(arg, VG_STR("--json"))) {
            cli->is_json = true;
        } else if (vg_str_eq(arg, VG_STR("--help")) || vg_str_eq(arg, VG_STR("-h"))) {
            cli->is_help = true;
        } else if (vg_str_eq(arg, VG_STR("--endpoint"))) {
            value = &cli->endpoint;
        } else if (vg_str_eq(arg, VG_STR("--region"))) {
            value = &cli->region;
        } else {
            argv[kept++] = argv[i];
        }
        if (value && i + 1 >= *argc)
            return vg_err_set(err, "%s needs a value", argv[i]);
        if (value)
            *value = vg_str_of(argv[++i]);
    }
    *argc = kept;
    cli->endpoint = first(cli->endpoint, variable("AWS_ENDPOINT_URL"));
    cli->endpoint = first(cli->endpoint, VG_STR("http://127.0.0.1:4566"));
    cli->region = first(cli->region, variable("AWS_REGION"));
    cli->region = first(cli->region, variable("AWS_DEFAULT_REGION"));
    cli->region = first(cli->region, VG_STR("us-east-1"));
    cli->key_id = variable("AWS_ACCESS_KEY_ID");
    cli->secret = variable("AWS_SECRET_ACCESS_KEY");
    cli->token = variable("AWS_SESSION_TOKEN");
    if (cli->key_id.ptr == NULL || cli->secret.ptr == NULL) {
        cli->key_id = cli->secret = VG_STR("test");
        cli->token = VG_STR_NONE;
    }
    return split_endpoint(cli, err);
}

void
cli_close(struct cli *cli)
{
    vg_arena_free(cli->arena);
    cli->arena = NULL;
}

int
cli_die(const struct vg_err *err)
{
    struct vg_str text = vg_err_text(err);
    fprintf(stderr, "virga: %" VG_FMT "\n", VG_ARG(text));
    return 1;
}

/* --- JSON for people --- */

/*
 * Prints one value: objects as "key: value" lines, deeper ones indented; arrays as "- value" lines.
 * False when the text is not JSON.
 */
static bool
print_json(struct vg_json *js)
{
    int depth = -1;
    bool at_key = false;
    for (;;) {
        enum vg_json_tok tok = vg_json_next(js);
        switch (tok) {
        case VG_JSON_ERROR:
            return false;
        case VG_JSON_END:
            return true;
        case VG_JSON_OBJECT:
        case VG_JSON_ARRAY:
            if (at_key)
                putchar('\n');
            at_key = false;
            depth++;
            break;
        case VG_JSON_OBJECT_END:
        case VG_JSON_ARRAY_END:
            if (at_key)
                putchar('\n');
            at_key = false;
            depth--;
            break;
        case VG_JSON_KEY:
            printf("%*s%" VG_FMT ":", 2 * depth, "", VG_ARG(js->text));
            at_key = true;
            break;
        case VG_JSON_NULL:
        case VG_JSON_TRUE:
        case VG_JSON_FALSE:
        case VG_JSON_NUMBER:
        case VG_JSON_STRING: {
            struct vg_str text = tok == VG_JSON_NULL    ? VG_STR("null")
                                 : tok == VG_JSON_TRUE  ? VG_STR("true")
                                 : tok == VG_JSON_FALSE ? VG_STR("false")
                                                        : js->text;
            if (at_key)
                printf(" %" VG_FMT "\n", VG_ARG(text));
            else
                printf("%*s- %" VG_FMT "\n", VG_MAX(2 * depth, 0), "", VG_ARG(text));
            at_key = false;
            break;
        }
        default:
            return false;
        }
    }
}

int
cli_show(const struct cli *cli, const struct cli_reply *reply)
{
    bool is_good = reply->status >= 200 && reply->status < 300;
    struct vg_str text;
    if (!is_good && !cli->is_json
        && (cli_json_member(cli, reply->body, VG_STR("message"), &text)
            || cli_json_member(cli, reply->body, VG_STR("Message"), &text))) {
        struct vg_str code = VG_STR("error");
        (void)cli_json_member(cli, reply->body, VG_STR("__type"), &code);
        fprintf(stderr, "virga: %" VG_FMT ": %" VG_FMT "\n", VG_ARG(code), VG_ARG(text));
        return 1;
    }
    if (reply->body.len > 0) {
        struct vg_json js;
        vg_json_init(&js, reply->body, cli->arena);
        if (cli->is_json || !is_good || !print_json(&js))
            fprintf(is_good ? stdout : stderr, "%" VG_FMT "\n", VG_ARG(reply->body));
    }
    return is_good ? 0 : 1;
}

bool
cli_json_member(const struct cli *cli, struct vg_str json, struct vg_str name, struct vg_str *ret)
{
    struct vg_json js;
    vg_json_init(&js, json, cli->arena);
    if (vg_json_next(&js) != VG_JSON_OBJECT)
        return false;
    while (vg_json_next(&js) == VG_JSON_KEY) {
        bool is_it = vg_str_eq(js.text, name);
        enum vg_json_tok tok = vg_json_next(&js);
        if (is_it && (tok == VG_JSON_STRING || tok == VG_JSON_NUMBER)) {
            *ret = js.text;
            return true;
        }
        if (!vg_json_skip(&js, tok))
            return false;
    }
    return false;
}

/* --- times --- */

bool
cli_duration(struct vg_str text, int64_t *ret_ms)
{
    static const struct {
        struct vg_str name;
        int64_t ms;
    } units[] = {
        { VG_STR_INIT("ms"), 1 },       { VG_STR_INIT("s"), 1000 },
        { VG_STR_INIT("m"), 60000 },    { VG_STR_INIT("h"), 3600000 },
        { VG_STR_INIT("d"), 86400000 }, { VG_STR_INIT("w"), 604800000 },
    };
    int64_t total = 0;
    size_t at = 0;
    while (at < text.len) {
        size_t digits = at;
        while (digits < text.len && text.ptr[digits] >= '0' && text.ptr[digits] <= '9')
            digits++;
        size_t end = digits;
        while (end < text.len && text.ptr[end] >= 'a' && text.ptr[end] <= 'z')
            end++;
        int64_t n, part = 0;
        bool is_known = false;
        if (!vg_str_to_i64(vg_str_slice(text, at, digits), &n))
            return false;
        for (size_t i = 0; i < VG_COUNT(units) && !is_known; i++) {
            is_known = vg_str_eq(units[i].name, vg_str_slice(text, digits, end));
            if (is_known && __builtin_mul_overflow(n, units[i].ms, &part))
                return false;
        }
        if (!is_known || __builtin_add_overflow(total, part, &total))
            return false;
        at = end;
    }
    *ret_ms = total;
    return text.len > 0;
}

/* Days from 1970-01-01 of a day of the Gregorian calendar. */
static int64_t
days_of(int64_t y, int64_t m, int64_t d)
{
    y -= m <= 2;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t yoe = y - era * 400;
    int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

/* Reads `n` digits at *at and then, if it is not 0, the character `after`. */
static bool
number_at(struct vg_str text, size_t *at, size_t n, char after, int64_t *ret)
{
    if (*at + n > text.len || !vg_str_to_i64(vg_str_slice(text, *at, *at + n), ret) || *ret < 0)
        return false;
    *at += n;
    if (after == 0)
        return true;
    return *at < text.len && text.ptr[(*at)++] == after;
}

static bool
offset_at(struct vg_str text, size_t *at, int64_t *ret_minutes)
{
    *ret_minutes = 0;
    if (*at < text.len && text.ptr[*at] == 'Z') {
        (*at)++;
        return true;
    }
    if (*at >= text.len || (text.ptr[*at] != '+' && text.ptr[*at] != '-'))
        return false;
    int64_t sign = text.ptr[(*at)++] == '-' ? -1 : 1, hours, minutes;
    if (!number_at(text, at, 2, ':', &hours) || !number_at(text, at, 2, 0, &minutes))
        return false;
    *ret_minutes = sign * (hours * 60 + minutes);
    return hours < 24 && minutes < 60;
}

static bool
is_date(int64_t month, int64_t day)
{
    return month >= 1 && month <= 12 && day >= 1 && day <= 31;
}

bool
cli_time(struct vg_str text, int64_t *ret_ms)
{
    if (text.len > 1 && text.ptr[0] == '@') {
        int64_t s;
        return vg_str_to_i64(vg_str_slice(text, 1, text.len), &s)
               && !__builtin_mul_overflow(s, 1000, ret_ms);
    }
    size_t at = 0;
    int64_t y, mo, d, h, mi, s, ms = 0, offset;
    if (!number_at(text, &at, 4, '-', &y) || !number_at(text, &at, 2, '-', &mo)
        || !number_at(text, &at, 2, 'T', &d) || !number_at(text, &at, 2, ':', &h)
        || !number_at(text, &at, 2, ':', &mi) || !number_at(text, &at, 2, 0, &s))
        return false;
    if (at < text.len && text.ptr[at] == '.') {
        at++;
        if (!number_at(text, &at, 3, 0, &ms))
            return false;
    }
    if (!offset_at(text, &at, &offset) || at != text.len)
        return false;
    if (!is_date(mo, d) || h > 23 || mi > 59 || s > 59)
        return false;
    *ret_ms = ((days_of(y, mo, d) * 24 + h) * 60 + mi - offset) * 60000 + s * 1000 + ms;
    return true;
}
