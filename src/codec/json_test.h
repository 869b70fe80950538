/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_CODEC_JSON_TEST_H
#define VG_CODEC_JSON_TEST_H

/* A JSON text read token by token and written again: for tests of the reader and the writer. */

#include "base/arena.h"
#include "codec/json.h"

static inline void
vg_json_copy_token(struct vg_json_out *w, enum vg_json_tok tok, struct vg_str text)
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
static inline bool
vg_json_copy(struct vg_arena *arena, struct vg_str text, struct vg_buf *to)
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
        vg_json_copy_token(&w, tok, js.text);
    }
}

#endif
