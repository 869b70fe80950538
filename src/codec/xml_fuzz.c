/* SPDX-License-Identifier: Apache-2.0 */

/* Fuzzes the XML reader: what it takes, written again, must be read as the same tree. */

#include "base/arena.h"
#include "base/limits.h"
#include "codec/xml.h"
#include "codec/xml_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Attributes as elements of their own, for the writer has none; names are ASCII letters or not. */
static void
write_tree(struct vg_buf *b, const struct vg_xml *e, size_t depth)
{
    VG_ASSERT(depth < VG_XML_DEPTH_MAX && e->text.ptr != NULL && vg_str_is_utf8(e->text));
    VG_ASSERT(e->first == NULL || e->text.len == 0);
    vg_xmlw_open(b, VG_STR("e"));
    vg_xmlw_element(b, VG_STR("name"), e->name);
    for (size_t i = 0; i < e->n_attrs; i++) {
        vg_xmlw_element(b, VG_STR("attr"), e->attrs[i].name);
        vg_xmlw_element(b, VG_STR("value"), e->attrs[i].value);
    }
    vg_xmlw_element(b, VG_STR("text"), e->text);
    for (const struct vg_xml *c = e->first; c; c = c->next)
        write_tree(b, c, depth + 1);
    vg_xmlw_close(b, VG_STR("e"));
}

static void
check_leaf(const struct vg_xml *e, struct vg_str name, struct vg_str text)
{
    VG_ASSERT(e && vg_str_eq(e->name, name) && e->first == NULL && vg_str_eq(e->text, text));
}

static void
check_tree(const struct vg_xml *got, const struct vg_xml *want)
{
    VG_ASSERT(vg_str_eq(got->name, VG_STR("e")));
    const struct vg_xml *at = got->first;
    check_leaf(at, VG_STR("name"), want->name);
    at = at->next;
    for (size_t i = 0; i < want->n_attrs; i++, at = at->next->next) {
        check_leaf(at, VG_STR("attr"), want->attrs[i].name);
        check_leaf(at->next, VG_STR("value"), want->attrs[i].value);
    }
    check_leaf(at, VG_STR("text"), want->text);
    at = at->next;
    for (const struct vg_xml *c = want->first; c; c = c->next, at = at->next) {
        VG_ASSERT(at != NULL);
        check_tree(at, c);
    }
    VG_ASSERT(at == NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    vg_auto_arena struct vg_arena *arena = vg_arena_new(0);
    const struct vg_xml *root = NULL, *again = NULL;
    struct vg_err err = { 0 };
    if (vg_xml_read(arena, vg_str_n(data, size), &root, &err) != VG_OK) {
        VG_ASSERT(root == NULL && vg_err_text(&err).len > 0);
        return 0;
    }
    struct vg_buf b;
    vg_buf_init(&b, arena, (size_t)64 << 20);
    write_tree(&b, root, 0);
    /* each level of ours holds leaves one level below it: the deepest tree no longer fits */
    if (vg_xml_read(arena, vg_buf_str(&b), &again, &err) == VG_OK)
        check_tree(again, root);
    else
        VG_ASSERT(vg_str_find(vg_err_text(&err), VG_STR("nested too deep")) != VG_NPOS);
    return 0;
}
