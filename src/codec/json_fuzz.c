/* SPDX-License-Identifier: Apache-2.0 */

/* Fuzzes the JSON parser: what it takes, written again, must give the same tokens. */

#include "base/arena.h"
#include "codec/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
copy_token(struct vg_json_out *w, enum vg_json_tok tok, struct vg_str text)
{
    switch (tok) {
    case VG_JSON_NULL:
        vg_jsonw_null(w);
        break;
    case VG_JSON_TRUE:
    case VG_JSON_FALSE:
        vg_jsonw_bool(w, tok == VG_JSON_TRUE);
        break;
    case VG_JSON_NUMBER:
        vg_jsonw_raw(w, text);
        break;
    case VG_JSON_STRING:
        vg_jsonw_str(w, text);
        break;
    case VG_JSON_KEY:
        vg_jsonw_key(w, text);
        break;
    case VG_JSON_OBJECT:
        vg_jsonw_object(w);
        break;
    case VG_JSON_OBJECT_END:
        vg_jsonw_object_end(w);
        break;
    case VG_JSON_ARRAY:
        vg_jsonw_array(w);
        break;
    case VG_JSON_ARRAY_END:
        vg_jsonw_array_end(w);
        break;
    case VG_JSON_ERROR:
    case VG_JSON_END:
        break;
    }
}

/* All tokens into `to`; false when the text is not JSON. */
static bool
copy_text(struct vg_arena *arena, struct vg_str text, struct vg_buf *to)
{
    struct vg_json js;
    struct vg_json_out w;
    vg_json_init(&js, text, arena);
    vg_jsonw_init(&w, to);
    for (;;) {
        enum vg_json_tok tok = vg_json_next(&js);
        if (tok == VG_JSON_ERROR) {
            VG_ASSERT(js.why != NULL && vg_json_next(&js) == VG_JSON_ERROR);
            return false;
        }
        if (tok == VG_JSON_END)
            return true;
        copy_token(&w, tok, js.text);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    vg_auto_arena struct vg_arena *arena = vg_arena_new(0);
    struct vg_str text = vg_str_n(data, size);
    struct vg_buf once, twice;
    vg_buf_init(&once, arena, (size_t)64 << 20);
    vg_buf_init(&twice, arena, (size_t)64 << 20);
    bool is_json = copy_text(arena, text, &once);
    if (is_json) {
        VG_ASSERT(copy_text(arena, vg_buf_str(&once), &twice));
        VG_ASSERT(vg_str_eq(vg_buf_str(&once), vg_buf_str(&twice)));
    }
    struct vg_json js; /* skipping finds the same */
    vg_json_init(&js, text, arena);
    struct vg_str raw = VG_STR_NONE;
    bool is_value = vg_json_raw(&js, vg_json_next(&js), &raw) && vg_json_next(&js) == VG_JSON_END;
    VG_ASSERT(is_value == is_json);
    return 0;
}
