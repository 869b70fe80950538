/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parser's verdict on each text of stdin: texts come as a decimal length, a line feed and so
 * many bytes; the answer is "n\n", or "y", a length, a line feed and the text as the writer has it.
 */
#include "codec/json_test.h"

#include <stdio.h>
#include <stdlib.h>

static void
judge(struct vg_str text)
{
    vg_auto_arena struct vg_arena *arena = vg_arena_new(0);
    struct vg_buf b;
    vg_buf_init(&b, arena, (size_t)1 << 24);
    if (!vg_json_copy(arena, text, &b)) {
        printf("n\n");
        return;
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
