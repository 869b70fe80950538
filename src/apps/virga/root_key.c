/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/virga/root_key.h"

#include "base/arena.h"
#include "base/buf.h"
#include "codec/json.h"
#include "crypto/random.h"
#include "os/file.h"

#define FILE_MAX_BYTES 4096
#define ID_CHARS       16
#define SECRET_CHARS   40

static vg_rc
parse(struct vg_arena *arena, struct vg_str text, struct root_key *ret, struct vg_err *err)
{
    struct vg_json js;
    struct root_key key = { 0 };
    vg_json_init(&js, text, arena);
    enum vg_json_tok tok = vg_json_next(&js);
    while (tok == VG_JSON_OBJECT || tok == VG_JSON_STRING) {
        tok = vg_json_next(&js);
        if (tok != VG_JSON_KEY)
            break;
        struct vg_str name = js.text;
        tok = vg_json_next(&js);
        if (tok == VG_JSON_STRING && vg_str_eq(name, VG_STR("AccessKeyId")))
            key.id = js.text;
        if (tok == VG_JSON_STRING && vg_str_eq(name, VG_STR("SecretAccessKey")))
            key.secret = js.text;
    }
    if (tok != VG_JSON_OBJECT_END || key.id.len < ID_CHARS || key.secret.len < SECRET_CHARS)
        return vg_err_set(err, "it does not hold a root key");
    *ret = key;
    return VG_OK;
}

static vg_rc
make(struct vg_arena *arena, struct vg_random *random, struct vg_str path, struct root_key *ret,
     struct vg_err *err)
{
    struct root_key key = {
        .id = vg_random_text(random, arena, VG_STR("AKIA"), VG_ALPHA_BASE32, ID_CHARS),
        .secret = vg_random_text(random, arena, VG_STR(""), VG_ALPHA_BASE64, SECRET_CHARS),
    };
    struct vg_buf b;
    struct vg_json_out w;
    vg_buf_init(&b, arena, FILE_MAX_BYTES);
    vg_jsonw_init(&w, &b);
    vg_jsonw_object(&w);
    vg_jsonw_kv(&w, VG_STR("AccessKeyId"), key.id);
    vg_jsonw_kv(&w, VG_STR("SecretAccessKey"), key.secret);
    vg_jsonw_object_end(&w);
    vg_buf_addc(&b, '\n');
    vg_rc rc = vg_file_write(path, vg_buf_str(&b), 0600, err);
    if (rc == VG_OK)
        *ret = key;
    return rc;
}

vg_rc
root_key_open(struct vg_arena *arena, struct vg_random *random, struct vg_str data_dir,
              struct root_key *ret, struct vg_str *ret_path, struct vg_err *err)
{
    struct vg_str text, path = vg_str_cat(arena, data_dir, VG_STR("/root-key"));
    vg_rc rc;
    if (vg_file_exists(path)) {
        rc = vg_file_read(arena, path, FILE_MAX_BYTES, &text, err);
        if (rc == VG_OK)
            rc = parse(arena, text, ret, err);
    } else {
        rc = make(arena, random, path, ret, err);
    }
    if (rc != VG_OK)
        return vg_err_wrap(err, "the root key %" VG_FMT, VG_ARG(path));
    *ret_path = path;
    return VG_OK;
}
