/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/virga/options.h"

#include "base/arena.h"

#include <stdio.h>
#include <stdlib.h>

typedef vg_rc(setter_fn)(struct serve_options *o, struct vg_str value, struct vg_err *err);

struct option {
    const char *name;
    const char *value; /* placeholder in the help; NULL: a flag */
    setter_fn *set;
    const char *help;
};

static vg_rc
parse_address(struct vg_str value, struct vg_str *ret_host, uint16_t *ret_port, struct vg_err *err)
{
    size_t colon = vg_str_rfind_char(value, ':');
    uint64_t port;
    if (colon == VG_NPOS || colon == 0
        || !vg_str_to_u64(vg_str_slice(value, colon + 1, value.len), &port) || port > UINT16_MAX)
        return vg_err_set(err, "'%" VG_FMT "' is not HOST:PORT", VG_ARG(value));
    *ret_host = vg_str_slice(value, 0, colon);
    *ret_port = (uint16_t)port;
    return VG_OK;
}

static vg_rc
set_listen(struct serve_options *o, struct vg_str value, struct vg_err *err)
{
    return parse_address(value, &o->listen_host, &o->listen_port, err);
}

static vg_rc
set_tls_listen(struct serve_options *o, struct vg_str value, struct vg_err *err)
{
    return parse_address(value, &o->tls_listen_host, &o->tls_listen_port, err);
}

static vg_rc
set_data(struct serve_options *o, struct vg_str value, struct vg_err *err)
{
    (void)err;
    o->data_dir = value;
    return VG_OK;
}

static vg_rc
set_ephemeral(struct serve_options *o, struct vg_str value, struct vg_err *err)
{
    (void)value;
    (void)err;
    o->is_ephemeral = true;
    return VG_OK;
}

/* One of two words; `*ret` is true for the second. */
static vg_rc
one_of(struct vg_str value, const char *first, const char *second, bool *ret, struct vg_err *err)
{
    *ret = vg_str_eq(value, vg_str_of(second));
    if (*ret || vg_str_eq(value, vg_str_of(first)))
        return VG_OK;
    return vg_err_set(err, "'%" VG_FMT "' is neither '%s' nor '%s'", VG_ARG(value), first, second);
}

static vg_rc
set_durability(struct serve_options *o, struct vg_str value, struct vg_err *err)
{
    return one_of(value, "disk", "os", &o->is_durability_os, err);
}

static vg_rc
set_auth(struct serve_options *o, struct vg_str value, struct vg_err *err)
{
    return one_of(value, "local", "strict", &o->is_auth_strict, err);
}

static vg_rc
set_sandbox(struct serve_options *o, struct vg_str value, struct vg_err *err)
{
    return one_of(value, "full", "weak", &o->is_sandbox_weak, err);
}

static vg_rc
set_runtime_match(struct serve_options *o, struct vg_str value, struct vg_err *err)
{
    return one_of(value, "nearest", "exact", &o->is_runtime_match_exact, err);
}

static vg_rc
set_log(struct serve_options *o, struct vg_str value, struct vg_err *err)
{
    return one_of(value, "text", "json", &o->is_log_json, err);
}

static vg_rc
set_log_level(struct serve_options *o, struct vg_str value, struct vg_err *err)
{
    static const char *const names[] = { "debug", "info", "warn", "error" };
    for (size_t i = 0; i < VG_COUNT(names); i++) {
        if (vg_str_eq(value, vg_str_of(names[i]))) {
            o->log_level = (enum vg_log_level)i;
            return VG_OK;
        }
    }
    return vg_err_set(err, "'%" VG_FMT "' is no log level", VG_ARG(value));
}

static vg_rc
set_region(struct serve_options *o, struct vg_str value, struct vg_err *err)
{
    bool is_ok = value.len >= 3 && value.len <= 32;
    for (size_t i = 0; i < value.len; i++)
        is_ok = is_ok
                && ((value.ptr[i] >= 'a' && value.ptr[i] <= 'z')
                    || (value.ptr[i] >= '0' && value.ptr[i] <= '9') || value.ptr[i] == '-');
    if (!is_ok)
        return vg_err_set(err, "'%" VG_FMT "' is no region name", VG_ARG(value));
    o->region = value;
    return VG_OK;
}

static vg_rc
set_account(struct serve_options *o, struct vg_str value, struct vg_err *err)
{
    uint64_t digits;
    if (value.len != 12 || !vg_str_to_u64(value, &digits))
        return vg_err_set(err, "an account id has twelve digits");
    o->account = value;
    return VG_OK;
}

static vg_rc
set_loops(struct serve_options *o, struct vg_str value, struct vg_err *err)
{
    uint64_t n;
    if (!vg_str_to_u64(value, &n) || n < 1 || n > 256)
        return vg_err_set(err, "between 1 and 256 event loops are possible");
    o->n_loops = (int)n;
    return VG_OK;
}

static vg_rc
set_runtime(struct serve_options *o, struct vg_str value, struct vg_err *err)
{
    if (vg_str_find_char(value, '=') == VG_NPOS)
        return vg_err_set(err, "'%" VG_FMT "' is not NAME=PATH", VG_ARG(value));
    if (o->n_runtimes == RUNTIMES_MAX)
        return vg_err_set(err, "at most %d runtimes can be configured", RUNTIMES_MAX);
    o->runtimes[o->n_runtimes++] = value;
    return VG_OK;
}

static vg_rc
set_tls_cert(struct serve_options *o, struct vg_str value, struct vg_err *err)
{
    (void)err;
    o->tls_cert = value;
    return VG_OK;
}

static vg_rc
set_tls_key(struct serve_options *o, struct vg_str value, struct vg_err *err)
{
    (void)err;
    o->tls_key = value;
    return VG_OK;
}

static vg_rc
set_help(struct serve_options *o, struct vg_str value, struct vg_err *err)
{
    (void)value;
    (void)err;
    o->is_help = true;
    return VG_OK;
}

static const struct option options[] = {
    { "--listen", "HOST:PORT", set_listen, "where the API answers (127.0.0.1:4566; port 0: any)" },
    { "--data", "DIR", set_data, "the data folder ($XDG_DATA_HOME/virga or ~/.local/share/virga)" },
    { "--ephemeral", NULL, set_ephemeral, "keep everything in memory; nothing is left at exit" },
    { "--durability", "disk|os", set_durability,
      "disk: answers wait for fsync; os: they survive kill -9 but not a power cut" },
    { "--auth", "local|strict", set_auth,
      "strict: a random root key (DIR/root-key) instead of test/test; needed beyond loopback" },
    { "--region", "NAME", set_region, "default region (us-east-1)" },
    { "--account", "ID", set_account, "account of the root key (000000000000)" },
    { "--tls-listen", "HOST:PORT", set_tls_listen, "answer HTTPS too" },
    { "--tls-cert", "FILE", set_tls_cert, "certificate chain (PEM); else one is made per name" },
    { "--tls-key", "FILE", set_tls_key, "its private key (PEM)" },
    { "--runtime", "NAME=PATH", set_runtime, "interpreter of a Lambda runtime: python3.12=/path" },
    { "--runtime-match", "nearest|exact", set_runtime_match,
      "exact: refuse a runtime whose exact version is not here" },
    { "--sandbox", "full|weak", set_sandbox, "weak: run functions though isolation is incomplete" },
    { "--loops", "N", set_loops, "event loops (one a core)" },
    { "--log", "text|json", set_log, "form of the log on stderr" },
    { "--log-level", "LEVEL", set_log_level, "debug, info, warn or error (info)" },
    { "--help", NULL, set_help, "this text" },
};

static const struct option *
find_option(struct vg_str name)
{
    for (size_t i = 0; i < VG_COUNT(options); i++)
        if (vg_str_eq(name, vg_str_of(options[i].name)))
            return &options[i];
    return NULL;
}

static bool
is_loopback(struct vg_str host)
{
    return vg_str_starts(host, VG_STR("127.")) || vg_str_eq(host, VG_STR("::1"))
           || vg_str_eq(host, VG_STR("[::1]")) || vg_str_eq(host, VG_STR("localhost"));
}

static vg_rc
check(const struct serve_options *o, struct vg_err *err)
{
    if (!o->is_auth_strict
        && (!is_loopback(o->listen_host)
            || (o->tls_listen_host.ptr && !is_loopback(o->tls_listen_host))))
        return vg_err_set(err, "the key test/test must not be reachable from other machines: "
                               "listening beyond loopback needs --auth strict");
    if ((o->tls_cert.ptr == NULL) != (o->tls_key.ptr == NULL))
        return vg_err_set(err, "--tls-cert and --tls-key go together");
    if (o->tls_cert.ptr && o->tls_listen_host.ptr == NULL)
        return vg_err_set(err, "--tls-cert needs --tls-listen");
    if (o->is_ephemeral && o->data_dir.ptr)
        return vg_err_set(err, "--ephemeral keeps no data: leave --data out");
    return VG_OK;
}

vg_rc
serve_options_parse(int argc, char **argv, struct serve_options *ret, struct vg_err *err)
{
    struct serve_options o = {
        .listen_host = VG_STR("127.0.0.1"),
        .listen_port = 4566,
        .region = VG_STR("us-east-1"),
        .account = VG_STR("000000000000"),
        .log_level = VG_LOG_INFO,
    };
    for (int i = 0; i < argc; i++) {
        struct vg_str value = vg_str_of(argv[i]);
        struct vg_str name = vg_str_cut(&value, '=');
        const struct option *opt = find_option(name);
        if (opt == NULL)
            return vg_err_set(err, "there is no option '%" VG_FMT "'", VG_ARG(name));
        if (opt->value == NULL && value.ptr)
            return vg_err_set(err, "%s takes no value", opt->name);
        if (opt->value && value.ptr == NULL) {
            if (i + 1 == argc)
                return vg_err_set(err, "%s needs %s", opt->name, opt->value);
            value = vg_str_of(argv[++i]);
        }
        vg_rc rc = opt->set(&o, value, err);
        if (rc != VG_OK)
            return vg_err_wrap(err, "%s", opt->name);
    }
    vg_rc rc = o.is_help ? VG_OK : check(&o, err);
    if (rc == VG_OK)
        *ret = o;
    return rc;
}

void
serve_options_help(void)
{
    puts("usage: virga serve [options]\n\n"
         "Runs the cloud: every AWS API on one address, data durable in one folder.\n");
    for (size_t i = 0; i < VG_COUNT(options); i++) {
        char left[40];
        snprintf(left, sizeof(left), "%s %s", options[i].name,
                 options[i].value ? options[i].value : "");
        printf("  %-26s %s\n", left, options[i].help);
    }
    puts("\nThe ready line on stderr names the address; `virga env` prints what to export.");
}

vg_rc
data_dir_choose(struct vg_arena *arena, struct vg_str given, struct vg_str *ret, struct vg_err *err)
{
    const char *xdg = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
    if (given.ptr) {
        char *abs = realpath(vg_str_cstr(arena, given), NULL);
        *ret = abs ? vg_str_dup(arena, vg_str_of(abs)) : given;
        free(abs);
    } else if (xdg && xdg[0] == '/') {
        *ret = vg_str_fmt(arena, "%s/virga", xdg);
    } else if (home && home[0] == '/') {
        *ret = vg_str_fmt(arena, "%s/.local/share/virga", home);
    } else {
        return vg_err_set(err, "neither --data nor $HOME says where the data shall be");
    }
    return VG_OK;
}
