/* SPDX-License-Identifier: Apache-2.0 */

/* NAME=VALUE words to the JSON of an operation's input, as the model's types ask. */

#include "apps/virga/cli.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "os/file.h"
#include "wire/shape.h"

const char *
cli_type_name(const struct vg_shape *shape)
{
    static const char *const names[] = {
        [VG_T_STR] = "text",        [VG_T_ENUM] = "one of",   [VG_T_BLOB] = "bytes",
        [VG_T_BOOL] = "true|false", [VG_T_INT] = "number",    [VG_T_LONG] = "number",
        [VG_T_FLOAT] = "number",    [VG_T_DOUBLE] = "number", [VG_T_TIMESTAMP] = "time",
        [VG_T_LIST] = "list",       [VG_T_MAP] = "map",       [VG_T_STRUCT] = "structure",
        [VG_T_DOCUMENT] = "JSON",   [VG_T_CUSTOM] = "JSON",
    };
    return shape->type < VG_COUNT(names) && names[shape->type] ? names[shape->type] : "?";
}

vg_rc
cli_file(struct cli *cli, struct vg_str name, struct vg_str *ret, struct vg_err *err)
{
    if (vg_str_eq(name, VG_STR("-")))
        name = VG_STR("/dev/stdin");
    return vg_file_read(cli->arena, name, CLI_FILE_MAX_BYTES, ret, err);
}

struct pair {
    struct vg_str path; /* what is left of "A.B.C" at this level; absent: the value itself */
    struct vg_str value;
    bool is_taken;
};

struct pairs {
    struct pair *items;
    size_t n;
};

#define PAIRS_MAX 128
#define DEPTH_MAX 16

bool
cli_is_json_of_parts(struct cli *cli, struct vg_str text)
{
    struct vg_json js;
    vg_json_init(&js, text, cli->arena);
    enum vg_json_tok tok = vg_json_next(&js);
    if ((tok != VG_JSON_OBJECT && tok != VG_JSON_ARRAY) || !vg_json_skip(&js, tok))
        return false;
    return vg_json_next(&js) == VG_JSON_END;
}

static bool
is_number(struct cli *cli, struct vg_str text)
{
    struct vg_json js;
    vg_json_init(&js, text, cli->arena);
    return vg_json_next(&js) == VG_JSON_NUMBER && vg_json_next(&js) == VG_JSON_END;
}

static vg_rc
put_scalar(struct cli *cli, struct vg_json_out *w, const struct vg_shape *shape,
           struct vg_str value, struct vg_err *err)
{
    struct vg_str bytes;
    vg_rc rc;
    switch (shape ? shape->type : VG_T_STR) {
    case VG_T_BOOL:
        if (!vg_str_eq(value, VG_STR("true")) && !vg_str_eq(value, VG_STR("false")))
            return vg_err_set(err, "'%" VG_FMT "' is neither true nor false", VG_ARG(value));
        vg_jsonw_raw(w, value);
        return VG_OK;
    case VG_T_INT:
    case VG_T_LONG:
    case VG_T_FLOAT:
    case VG_T_DOUBLE:
        if (!is_number(cli, value))
            return vg_err_set(err, "'%" VG_FMT "' is not a number", VG_ARG(value));
        vg_jsonw_raw(w, value);
        return VG_OK;
    case VG_T_TIMESTAMP:
        if (is_number(cli, value))
            vg_jsonw_raw(w, value);
        else
            vg_jsonw_str(w, value);
        return VG_OK;
    case VG_T_BLOB:
        bytes = value;
        rc = vg_str_starts(value, VG_STR("@"))
                 ? cli_file(cli, vg_str_slice(value, 1, value.len), &bytes, err)
                 : VG_OK;
        if (rc == VG_OK)
            vg_jsonw_str(w, vg_base64_encode(cli->arena, bytes));
        return rc;
    default:
        vg_jsonw_str(w, value);
        return VG_OK;
    }
}

/* A value given whole. */
static vg_rc
put_leaf(struct cli *cli, struct vg_json_out *w, const struct vg_shape *shape, struct vg_str value,
         struct vg_err *err)
{
    uint8_t type = shape ? shape->type : VG_T_STR;
    bool has_parts = type == VG_T_STRUCT || type == VG_T_MAP || type == VG_T_LIST
                     || type == VG_T_CUSTOM || type == VG_T_DOCUMENT;
    if (!has_parts)
        return put_scalar(cli, w, shape, value, err);
    if (cli_is_json_of_parts(cli, value)) {
        vg_jsonw_raw(w, value);
        return VG_OK;
    }
    if (type != VG_T_LIST)
        return vg_err_set(err, "'%" VG_FMT "' is not JSON, and this is a %s", VG_ARG(value),
                          cli_type_name(shape));
    vg_jsonw_array(w);
    vg_rc rc = VG_OK;
    while (value.ptr && rc == VG_OK) {
        struct vg_str one = vg_str_cut(&value, ',');
        rc = put_scalar(cli, w, shape->item, one, err);
    }
    vg_jsonw_array_end(w);
    return rc;
}

/* What the model has under `name`: a member, a map's values, or (inside custom JSON) anything. */
static vg_rc
child_of(const struct vg_shape *shape, struct vg_str name, const struct vg_shape **ret,
         struct vg_err *err)
{
    *ret = NULL;
    if (shape == NULL || shape->type == VG_T_CUSTOM || shape->type == VG_T_DOCUMENT)
        return VG_OK;
    if (shape->type == VG_T_MAP) {
        *ret = shape->item;
        return VG_OK;
    }
    for (size_t i = 0; shape->type == VG_T_STRUCT && i < shape->n_members; i++)
        if (vg_str_eq(shape->members[i].name, name)) {
            *ret = shape->members[i].shape;
            return VG_OK;
        }
    if (shape->type == VG_T_STRUCT)
        return vg_err_set(err, "there is no member '%" VG_FMT "' (--help lists them)",
                          VG_ARG(name));
    return vg_err_set(err, "'%" VG_FMT "': a %s has no parts by name", VG_ARG(name),
                      cli_type_name(shape));
}

static vg_rc put_object(struct cli *cli, struct vg_json_out *w, const struct vg_shape *shape,
                        struct pairs all, int depth, struct vg_err *err);

/* The pairs of `all` whose path begins with `name`, that part cut off; they are taken. */
static struct pairs
take(struct cli *cli, struct pairs all, struct vg_str name)
{
    struct pairs mine = { .items = VG_NEW_ARRAY(cli->arena, struct pair, all.n) };
    for (size_t i = 0; i < all.n; i++) {
        struct vg_str rest = all.items[i].path;
        if (all.items[i].is_taken || !vg_str_eq(vg_str_cut(&rest, '.'), name))
            continue;
        all.items[i].is_taken = true;
        mine.items[mine.n++] = (struct pair) { .path = rest, .value = all.items[i].value };
    }
    return mine;
}

static vg_rc
put_object(struct cli *cli, struct vg_json_out *w, const struct vg_shape *shape, struct pairs all,
           int depth, struct vg_err *err)
{
    if (depth > DEPTH_MAX)
        return vg_err_set(err, "more than %d parts in one name", DEPTH_MAX);
    vg_jsonw_object(w);
    for (size_t i = 0; i < all.n; i++) {
        if (all.items[i].is_taken)
            continue;
        struct vg_str rest = all.items[i].path;
        struct vg_str name = vg_str_cut(&rest, '.');
        const struct vg_shape *child;
        vg_rc rc = child_of(shape, name, &child, err);
        if (rc != VG_OK)
            return rc;
        struct pairs mine = take(cli, all, name);
        vg_jsonw_key(w, name);
        bool has_whole = false;
        for (size_t k = 0; k < mine.n; k++)
            has_whole |= mine.items[k].path.ptr == NULL;
        if (has_whole && mine.n > 1)
            return vg_err_set(err, "%" VG_FMT " is given both whole and in parts", VG_ARG(name));
        if (has_whole)
            rc = put_leaf(cli, w, child, mine.items[0].value, err);
        else
            rc = put_object(cli, w, child, mine, depth + 1, err);
        if (rc != VG_OK)
            return rc;
    }
    vg_jsonw_object_end(w);
    return VG_OK;
}

vg_rc
cli_input(struct cli *cli, const struct vg_shape *shape, int argc, char **argv, struct vg_str *ret,
          struct vg_err *err)
{
    struct pair *items = VG_NEW_ARRAY(cli->arena, struct pair, PAIRS_MAX);
    struct pairs all = { .items = items };
    if (argc > PAIRS_MAX)
        return vg_err_set(err, "more than %d words", PAIRS_MAX);
    for (int i = 0; i < argc; i++) {
        struct vg_str value = vg_str_of(argv[i]);
        struct vg_str path = vg_str_cut(&value, '=');
        if (value.ptr == NULL || path.len == 0)
            return vg_err_set(err, "'%s' is not NAME=VALUE", argv[i]);
        for (size_t k = 0; k < all.n; k++)
            if (vg_str_eq(items[k].path, path))
                return vg_err_set(err, "%" VG_FMT " is given twice", VG_ARG(path));
        items[all.n++] = (struct pair) { .path = path, .value = value };
    }
    struct vg_buf b;
    struct vg_json_out w;
    vg_buf_init(&b, cli->arena, 2 * CLI_FILE_MAX_BYTES);
    vg_jsonw_init(&w, &b);
    vg_rc rc = put_object(cli, &w, shape, all, 0, err);
    *ret = vg_buf_str(&b);
    return rc;
}
