/* SPDX-License-Identifier: Apache-2.0 */

/* status, env and clock: the small verbs of the command line. */

#include "apps/virga/cli.h"

#include <stdio.h>

/* --- status --- */

static const char status_help[] =
    "usage: virga status [--json] [--endpoint URL]\n"
    "\n"
    "What the daemon says of itself: version, start-up, memory, services and what\n"
    "they have done. Exit status 0 when it answers.\n";

int
verb_status(int argc, char **argv)
{
    struct cli cli;
    struct vg_err err = { 0 };
    struct cli_reply reply;
    int status = 0;
    vg_rc rc = cli_open(&cli, &argc, argv, &err);
    if (rc == VG_OK && cli.is_help)
        fputs(status_help, stdout);
    else if (rc == VG_OK && argc > 0)
        rc = vg_err_set(&err, "status takes no argument; see virga status --help");
    else if (rc == VG_OK)
        rc = cli_request(&cli, "GET", VG_STR("/_virga/status"), VG_STR(""), true, &reply, &err);
    if (rc != VG_OK)
        status = cli_die(&err);
    else if (!cli.is_help)
        status = cli_show(&cli, &reply);
    cli_close(&cli);
    return status;
}

/* --- env --- */

static const char env_help[] =
    "usage: eval \"$(virga env [--endpoint URL] [--region NAME] [--fish|--unset])\"\n"
    "\n"
    "Prints what a shell must know for any AWS tool to talk to the daemon: endpoint, region and\n"
    "the root key of a new data folder. Keys that are set already (AWS_ACCESS_KEY_ID and\n"
    "AWS_SECRET_ACCESS_KEY) are kept. --unset prints how to take it back.\n";

enum env_form { ENV_SH, ENV_FISH, ENV_UNSET };

static void
env_line(enum env_form form, const char *name, struct vg_str value)
{
    if (form == ENV_UNSET || value.ptr == NULL)
        printf(form == ENV_FISH ? "set -e %s;\n" : "unset %s\n", name);
    else if (form == ENV_FISH)
        printf("set -gx %s '%" VG_FMT "';\n", name, VG_ARG(value));
    else
        printf("export %s='%" VG_FMT "'\n", name, VG_ARG(value));
}

/* A quote would end the quoting of the lines that a shell is about to run. */
static bool
is_quotable(struct vg_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] == '\'' || s.ptr[i] == '\\' || (unsigned char)s.ptr[i] < ' ')
            return false;
    return true;
}

int
verb_env(int argc, char **argv)
{
    struct cli cli;
    struct vg_err err = { 0 };
    enum env_form form = ENV_SH;
    vg_rc rc = cli_open(&cli, &argc, argv, &err);
    for (int i = 0; i < argc && rc == VG_OK; i++) {
        struct vg_str arg = vg_str_of(argv[i]);
        if (vg_str_eq(arg, VG_STR("--fish")))
            form = ENV_FISH;
        else if (vg_str_eq(arg, VG_STR("--unset")))
            form = ENV_UNSET;
        else
            rc = vg_err_set(&err, "env does not know '%s'; see virga env --help", argv[i]);
    }
    const struct vg_str all[] = { cli.endpoint, cli.key_id, cli.secret, cli.token, cli.region };
    for (size_t i = 0; i < VG_COUNT(all) && rc == VG_OK; i++)
        if (!is_quotable(all[i]))
            rc = vg_err_set(&err, "a setting with a quote or backslash cannot be handed on");
    if (rc == VG_OK && cli.is_help) {
        fputs(env_help, stdout);
    } else if (rc == VG_OK) {
        env_line(form, "AWS_ENDPOINT_URL", cli.endpoint);
        env_line(form, "AWS_ACCESS_KEY_ID", cli.key_id);
        env_line(form, "AWS_SECRET_ACCESS_KEY", cli.secret);
        env_line(form, "AWS_SESSION_TOKEN", cli.token);
        env_line(form, "AWS_REGION", cli.region);
        env_line(form, "AWS_DEFAULT_REGION", cli.region);
        env_line(form, "AWS_PROFILE", VG_STR_NONE); /* it would win over the keys */
    }
    int status = rc == VG_OK ? 0 : cli_die(&err);
    cli_close(&cli);
    return status;
}

/* --- clock --- */

static const char clock_help[] =
    "usage: virga clock [show|advance DURATION|set TIME|freeze|resume] [--json] [--endpoint URL]\n"
    "\n"
    "The virtual clock by which services keep time (expiry, schedules, timestamps).\n"
    "  show      what time it is there, and how far that is from the wall's (default)\n"
    "  advance   3h, 1d2h30m, 90s, 1500ms …: forward; durable timers fire in order\n"
    "  set       2026-12-24T18:00:00Z, or @1798135200 (seconds since 1970): forward only\n"
    "  freeze    it stands still\n"
    "  resume    it goes on from where it stands\n";

/* The body of the request; absent for show. */
static vg_rc
clock_body(struct cli *cli, int argc, char **argv, struct vg_str *ret, struct vg_err *err)
{
    struct vg_str verb = argc > 0 ? vg_str_of(argv[0]) : VG_STR("show");
    bool has_value = vg_str_eq(verb, VG_STR("advance")) || vg_str_eq(verb, VG_STR("set"));
    int64_t ms;
    if (argc > 2 || (argc == 2) != has_value)
        return vg_err_set(err, "clock %" VG_FMT " takes %s; see virga clock --help", VG_ARG(verb),
                          has_value ? "one value" : "no value");
    *ret = VG_STR_NONE;
    if (vg_str_eq(verb, VG_STR("advance"))) {
        if (!cli_duration(vg_str_of(argv[1]), &ms))
            return vg_err_set(err, "'%s' is not a duration such as 3h or 1d12h", argv[1]);
        *ret = vg_str_fmt(cli->arena, "{\"advance_ms\":%lld}", (long long)ms);
    } else if (vg_str_eq(verb, VG_STR("set"))) {
        if (!cli_time(vg_str_of(argv[1]), &ms))
            return vg_err_set(err, "'%s' is not a time such as 2026-12-24T18:00:00Z", argv[1]);
        *ret = vg_str_fmt(cli->arena, "{\"set_ms\":%lld}", (long long)ms);
    } else if (vg_str_eq(verb, VG_STR("freeze"))) {
        *ret = VG_STR("{\"freeze\":true}");
    } else if (vg_str_eq(verb, VG_STR("resume"))) {
        *ret = VG_STR("{\"freeze\":false}");
    } else if (!vg_str_eq(verb, VG_STR("show"))) {
        return vg_err_set(err, "clock does not know '%" VG_FMT "'; see virga clock --help",
                          VG_ARG(verb));
    }
    return VG_OK;
}

int
verb_clock(int argc, char **argv)
{
    struct cli cli;
    struct vg_err err = { 0 };
    struct cli_reply reply;
    struct vg_str body;
    int status = 0;
    vg_rc rc = cli_open(&cli, &argc, argv, &err);
    if (rc == VG_OK && cli.is_help) {
        fputs(clock_help, stdout);
        cli_close(&cli);
        return 0;
    }
    if (rc == VG_OK)
        rc = clock_body(&cli, argc, argv, &body, &err);
    if (rc == VG_OK)
        rc = cli_request(&cli, body.ptr ? "POST" : "GET", VG_STR("/_virga/clock"),
                         body.ptr ? body : VG_STR(""), true, &reply, &err);
    status = rc == VG_OK ? cli_show(&cli, &reply) : cli_die(&err);
    cli_close(&cli);
    return status;
}
