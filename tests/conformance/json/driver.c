/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parser's verdict on each text of stdin: texts come as a decimal length, a line feed and so
 * many bytes; the answer is "n\n", or "y", a length, a line feed and the text as the writer has it.
 */
#include "base/arena.h"
#include "codec/json.h"

#include <stdio.h>
#include <stdlib.h>

static void
copy(struct vg_json *js, enum vg_json_tok tok, struct vg_json_out *w)
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
        vg_jsonw_raw(w, js->text);
        break;
    case VG_JSON_STRING:
        vg_jsonw_str(w, js->text);
        break;
    case VG_JSON_KEY:
        vg_jsonw_key(w, js->text);
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

static void
judge(struct vg_str text)
{
    vg_auto_arena struct vg_arena *arena = vg_arena_new(0);
    struct vg_json js;
    struct vg_buf b;
    struct vg_json_out w;
    vg_json_init(&js, text, arena);
    vg_buf_init(&b, arena, (size_t)1 << 24);
    vg_jsonw_init(&w, &b);
    for (;;) {
        enum vg_json_tok tok = vg_json_next(&js);
        if (tok == VG_JSON_ERROR) {
            printf("n\n");
            return;
        }
        if (tok == VG_JSON_END)
            break;
        copy(&js, tok, &w);
    }
    printf("y%zu\n", b.len);
    fwrite(b.ptr, 1, b.len, stdout);
}

int
main(void)
{
    char line[32];
    while (fgets(line, sizeof(line), stdin)) {
        size_t n = strtoul(line, NULL, 10);
        char *text = vg_xalloc(n + 1);
        if (fread(text, 1, n, stdin) != n)
            return 2;
        judge(vg_str_n(text, n));
        free(text);
    }
    return 0;
}
