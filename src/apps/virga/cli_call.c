/* SPDX-License-Identifier: Apache-2.0 */

/* `virga call`: any operation of the table, its input from NAME=VALUE words, help from the models.
 */

#include "apps/virga/cli.h"
#include "apps/virga/services.h"
#include "codec/json.h"
#include "wire/shape.h"

#include <stdio.h>

static const char call_help[] =
    "usage: virga call [SERVICE [OPERATION [NAME=VALUE…]]] [--input JSON|@FILE|-] [--json]\n"
    "\n"
    "Runs one operation as the caller and shows its output. Without an operation it lists what\n"
    "there is; with --help after an operation it lists the members of its input.\n"
    "  NAME=VALUE   text, number, true or false as the model wants; JSON for what has parts;\n"
    "               a,b,c for a list of plain values; @FILE for bytes\n"
    "  A.B.C=VALUE  one part of a structure or map: Key.id.S=42\n"
    "  --input      the whole input as JSON; NAME=VALUE words may not be given as well\n";

static int
verb_over(struct cli *cli, int status)
{
    cli_close(cli);
    return status;
}

/* --- finding the row --- */

/* PutItem, putitem and put-item are the same. */
static bool
is_same_name(struct vg_str a, struct vg_str b)
{
    size_t i = 0, j = 0;
    for (;;) {
        while (i < a.len && a.ptr[i] == '-')
            i++;
        while (j < b.len && b.ptr[j] == '-')
            j++;
        if (i == a.len || j == b.len)
            return i == a.len && j == b.len;
        if (!vg_str_eq_nocase(vg_str_slice(a, i, i + 1), vg_str_slice(b, j, j + 1)))
            return false;
        i++;
        j++;
    }
}

static bool
is_public(const struct vg_op *op)
{
    return (op->flags & VG_OP_INTERNAL) == 0;
}

static bool
find_op(struct vg_str service, struct vg_str name, const struct vg_op **ret)
{
    for (size_t i = 0; i < n_virga_services; i++)
        for (const struct vg_op *const *op = virga_services[i]->ops; *op; op++)
            if (is_public(*op) && is_same_name((*op)->endpoint, service)
                && is_same_name((*op)->name, name)) {
                *ret = *op;
                return true;
            }
    return false;
}

/* Each endpoint once; with `service` its operations instead. False: there is no such service. */
static bool
list_names(struct vg_str service, bool is_bare)
{
    bool is_found = service.ptr == NULL;
    for (size_t i = 0; i < n_virga_services; i++) {
        struct vg_str last = VG_STR_NONE;
        for (const struct vg_op *const *op = virga_services[i]->ops; *op; op++) {
            if (!is_public(*op))
                continue;
            if (service.ptr == NULL) {
                if (last.ptr == NULL || !vg_str_eq(last, (*op)->endpoint))
                    printf("%" VG_FMT "\n", VG_ARG((*op)->endpoint));
                last = (*op)->endpoint;
            } else if (is_same_name((*op)->endpoint, service)) {
                is_found = true;
                const char *note = (*op)->handler == NULL && !is_bare ? "  (not built)" : "";
                if ((*op)->handler != NULL || !is_bare)
                    printf("%" VG_FMT "%s\n", VG_ARG((*op)->name), note);
            }
        }
    }
    return is_found;
}

/* --- help from the model --- */

static void
print_members(const struct vg_shape *shape, bool is_bare)
{
    for (size_t i = 0; shape && i < shape->n_members; i++) {
        const struct vg_member *m = &shape->members[i];
        if (is_bare) {
            printf("%" VG_FMT "=\n", VG_ARG(m->name));
            continue;
        }
        printf("  %-34.*s %s", VG_ARG(m->name), cli_type_name(m->shape));
        for (size_t e = 0; e < m->shape->n_enums; e++)
            printf("%s%" VG_FMT, e ? "|" : " ", VG_ARG(m->shape->enums[e]));
        printf("%s\n", m->flags & VG_MEMBER_REQUIRED ? "  (required)" : "");
    }
}

static void
print_op_help(const struct vg_op *op)
{
    printf("usage: virga call %" VG_FMT " %" VG_FMT " [NAME=VALUE…]\n\n", VG_ARG(op->endpoint),
           VG_ARG(op->name));
    print_members(op->in, false);
    if (op->handler == NULL)
        printf("\nThis operation is in the model but not built.\n");
}

/* --- the verb --- */

/* Takes "--input X" and "--names" out of argv. */
static vg_rc
call_options(struct cli *cli, int *argc, char **argv, struct vg_str *ret_input, bool *ret_bare,
             struct vg_err *err)
{
    int kept = 0;
    for (int i = 0; i < *argc; i++) {
        struct vg_str arg = vg_str_of(argv[i]);
        if (vg_str_eq(arg, VG_STR("--names"))) {
            *ret_bare = true;
        } else if (vg_str_eq(arg, VG_STR("--input")) && i + 1 < *argc) {
            struct vg_str value = vg_str_of(argv[++i]);
            bool is_file = vg_str_starts(value, VG_STR("@"));
            *ret_input = value;
            vg_rc rc = VG_OK;
            if (is_file || vg_str_eq(value, VG_STR("-")))
                rc = cli_file(cli, vg_str_slice(value, is_file, value.len), ret_input, err);
            if (rc != VG_OK)
                return rc;
        } else if (vg_str_starts(arg, VG_STR("--"))) {
            return vg_err_set(err, "call does not know '%s'; see virga call --help", argv[i]);
        } else {
            argv[kept++] = argv[i];
        }
    }
    *argc = kept;
    return VG_OK;
}

static vg_rc
call_run(struct cli *cli, const struct vg_op *op, struct vg_str input, int argc, char **argv,
         struct cli_reply *ret, struct vg_err *err)
{
    vg_rc rc = VG_OK;
    if (input.ptr && argc > 0)
        return vg_err_set(err, "either --input or NAME=VALUE words");
    if (input.ptr == NULL)
        rc = cli_input(cli, op->in, argc, argv, &input, err);
    else if (!cli_is_json_of_parts(cli, input))
        return vg_err_set(err, "--input is not a JSON object");
    if (rc != VG_OK)
        return rc;
    struct vg_buf b;
    struct vg_json_out w;
    vg_buf_init(&b, cli->arena, 2 * CLI_FILE_MAX_BYTES);
    vg_jsonw_init(&w, &b);
    vg_jsonw_object(&w);
    vg_jsonw_kv(&w, VG_STR("service"), op->endpoint);
    vg_jsonw_kv(&w, VG_STR("operation"), op->name);
    vg_jsonw_key(&w, VG_STR("input"));
    vg_jsonw_raw(&w, input);
    vg_jsonw_object_end(&w);
    return cli_request(cli, "POST", VG_STR("/_virga/call"), vg_buf_str(&b), true, ret, err);
}

int
verb_call(int argc, char **argv)
{
    struct cli cli;
    struct vg_err err = { 0 };
    struct vg_str input = VG_STR_NONE;
    bool is_bare = false;
    const struct vg_op *op = NULL;
    vg_rc rc = cli_open(&cli, &argc, argv, &err);
    if (rc == VG_OK)
        rc = call_options(&cli, &argc, argv, &input, &is_bare, &err);
    if (rc != VG_OK)
        return verb_over(&cli, cli_die(&err));
    struct vg_str service = argc > 0 ? vg_str_of(argv[0]) : VG_STR_NONE;
    if (argc < 2) {
        if (cli.is_help) {
            fputs(call_help, stdout);
            return verb_over(&cli, 0);
        }
        if (list_names(service, is_bare))
            return verb_over(&cli, 0);
        rc = vg_err_set(&err, "there is no service '%" VG_FMT "'; `virga call` lists them",
                        VG_ARG(service));
        return verb_over(&cli, cli_die(&err));
    }
    if (!find_op(service, vg_str_of(argv[1]), &op)) {
        rc = vg_err_set(&err, "there is no %s %s; `virga call %s` lists what there is", argv[0],
                        argv[1], argv[0]);
        return verb_over(&cli, cli_die(&err));
    }
    if (cli.is_help || is_bare) {
        if (is_bare)
            print_members(op->in, true);
        else
            print_op_help(op);
        return verb_over(&cli, 0);
    }
    struct cli_reply reply;
    rc = call_run(&cli, op, input, argc - 2, argv + 2, &reply, &err);
    return verb_over(&cli, rc == VG_OK ? cli_show(&cli, &reply) : cli_die(&err));
}
