/* SPDX-License-Identifier: Apache-2.0 */

#include "base/limits.h"
#include "base/test.h"
#include "codec/xml.h"
#include "codec/xml_read.h"

static const struct vg_xml *
read_ok(struct vg_arena *a, struct vg_str text)
{
    const struct vg_xml *root = NULL;
    struct vg_err err = { 0 };
    if (vg_xml_read(a, text, &root, &err) != VG_OK)
        fail_msg("%" VG_FMT, VG_ARG(vg_err_text(&err)));
    return root;
}

static void
expect_refused(struct vg_str text, const char *why)
{
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    const struct vg_xml *root = NULL;
    struct vg_err err = { 0 };
    assert_int_equal(vg_xml_read(a, text, &root, &err), VG_FAIL);
    assert_null(root);
    assert_null(err.def);
    if (vg_str_find(vg_err_text(&err), vg_str_of(why)) == VG_NPOS)
        fail_msg("\"%" VG_FMT "\" does not say \"%s\"", VG_ARG(vg_err_text(&err)), why);
}

static void
elements_attributes_and_text_are_read(void **state)
{
    (void)state;
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    const struct vg_xml *root = read_ok(
        a, VG_STR("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                  "<Delete><Quiet>true</Quiet> <Object v='1' w=\"&quot;\"><Key>a &amp; "
                  "b&#10;<![CDATA[<c>]]></Key></Object>between<Empty/><!-- no --></Delete>"));
    assert_str(root->name, "Delete");
    assert_str(root->text, "");
    const struct vg_xml *quiet = root->first, *object = quiet->next, *empty = object->next;
    assert_str(quiet->name, "Quiet");
    assert_str(quiet->text, "true");
    assert_null(quiet->first);
    assert_int_equal(object->n_attrs, 2);
    assert_str(object->attrs[0].name, "v");
    assert_str(object->attrs[0].value, "1");
    assert_str(object->attrs[1].value, "\"");
    assert_str(object->first->text, "a & b\n<c>");
    assert_str(empty->name, "Empty");
    assert_str(empty->text, "");
    assert_non_null(empty->text.ptr);
    assert_null(empty->next);
    assert_null(root->next);
}

static void
white_space_of_a_text_is_kept(void **state)
{
    (void)state;
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    assert_str(read_ok(a, VG_STR("<a>  x \r\n y\t</a>"))->text, "  x \n y\t"); /* XML 1.0, 2.11 */
    assert_str(read_ok(a, VG_STR("<a>x<!-- c -->y<?pi?>z</a>"))->text, "xyz");
    assert_str(read_ok(a, VG_STR("<a>x&#xD;</a>"))->text, "x\r");
}

static void
prefixes_are_ignored_but_xsi(void **state)
{
    (void)state;
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    const struct vg_xml *e = read_ok(
        a, VG_STR("<p:Grantee xmlns:p='http://s3.amazonaws.com/doc/2006-03-01/' xmlns:y="
                  "'http://www.w3.org/2001/XMLSchema-instance' y:type='Group' p:x='1' xml:lang='e'>"
                  "<URI xmlns='http://other'>u</URI></p:Grantee>"));
    assert_str(e->name, "Grantee");
    assert_int_equal(e->n_attrs, 3); /* declarations are none */
    assert_str(e->attrs[0].name, "xsi:type");
    assert_str(e->attrs[0].value, "Group");
    assert_str(e->attrs[1].name, "x");
    assert_str(e->attrs[2].name, "lang");
    assert_str(e->first->name, "URI");
    expect_refused(VG_STR("<p:a/>"), "unbound prefix");
    expect_refused(VG_STR("<a xsi:type='Group'/>"), "unbound prefix");
}

/* Entities that grow or reach for files cannot be declared: CWE-776, CWE-611. */
static void
document_types_are_refused(void **state)
{
    (void)state;
    const char *why = "document type";
    expect_refused(VG_STR("<!DOCTYPE a [<!ENTITY l 'lol'><!ENTITY m '&l;&l;&l;&l;'>]><a>&m;</a>"),
                   why);
    expect_refused(VG_STR("<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>"), why);
    expect_refused(VG_STR("<!DOCTYPE a SYSTEM 'http://example.com/a.dtd'><a/>"), why);
    expect_refused(VG_STR("<!DOCTYPE a [<!ENTITY % p SYSTEM 'file:///dev/zero'>%p;]><a/>"), why);
    expect_refused(VG_STR("<!DOCTYPE a><a/>"), why);
    expect_refused(VG_STR("<a>&nbsp;</a>"), "undefined entity");
}

static void
what_is_not_wellformed_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = { "",
                                       " ",
                                       "x",
                                       "<a>",
                                       "<a></b>",
                                       "<a/><b/>",
                                       "<a/>x",
                                       "<a b='1' b='2'/>",
                                       "<a b=1/>",
                                       "<a>&</a>",
                                       "<a>\x01</a>",
                                       "<a>\xFF</a>",
                                       "<a>&#0;</a>",
                                       "<a>]]></a>",
                                       "{\"a\":1}",
                                       "<a><!-- -- --></a>" };
    for (size_t i = 0; i < VG_COUNT(bad); i++)
        expect_refused(vg_str_of(bad[i]), "cannot be read");
    expect_refused(VG_STR("<a>\n\n<b></a>"), "line 3");
    expect_refused(VG_STR_NONE, "no element found");
    expect_refused(VG_STR("<a>\0</a>"), "cannot be read");
}

static void
other_encodings_become_utf8(void **state)
{
    (void)state;
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    assert_str(read_ok(a, VG_STR("<?xml version='1.0' encoding='ISO-8859-1'?><a>\xE9</a>"))->text,
               "\xC3\xA9");
    assert_str(read_ok(a, VG_STR("\xFF\xFE<\0a\0>\0\xE9\0<\0/\0a\0>\0"))->text, "\xC3\xA9");
    expect_refused(VG_STR("<?xml version='1.0' encoding='EBCDIC-US'?><a/>"), "unknown encoding");
}

static struct vg_str
nested(struct vg_arena *a, size_t n)
{
    struct vg_buf b;
    vg_buf_init(&b, a, 1 << 20);
    for (size_t i = 0; i < n; i++)
        vg_xmlw_open(&b, VG_STR("a"));
    for (size_t i = 0; i < n; i++)
        vg_xmlw_close(&b, VG_STR("a"));
    return vg_buf_str(&b);
}

/* A root with `n` inside. */
static struct vg_str
wide(struct vg_arena *a, size_t n, struct vg_str each)
{
    struct vg_buf b;
    vg_buf_init(&b, a, (size_t)64 << 20);
    vg_buf_adds(&b, VG_STR("<a>"));
    for (size_t i = 0; i < n; i++)
        vg_buf_adds(&b, each);
    vg_buf_adds(&b, VG_STR("</a>"));
    return vg_buf_str(&b);
}

static void
depth_and_number_are_bounded(void **state)
{
    (void)state;
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    size_t depth = 0;
    for (const struct vg_xml *e = read_ok(a, nested(a, VG_XML_DEPTH_MAX)); e; e = e->first)
        depth++;
    assert_int_equal(depth, VG_XML_DEPTH_MAX);
    expect_refused(nested(a, VG_XML_DEPTH_MAX + 1), "nested too deep");
    expect_refused(nested(a, 100000), "nested too deep");
    size_t n = 0;
    const struct vg_xml *root = read_ok(a, wide(a, VG_XML_NODES_MAX - 1, VG_STR("<b/>")));
    for (const struct vg_xml *e = root->first; e; e = e->next)
        n++;
    assert_int_equal(n, VG_XML_NODES_MAX - 1);
    expect_refused(wide(a, VG_XML_NODES_MAX, VG_STR("<b/>")), "too many");
    expect_refused(wide(a, VG_XML_NODES_MAX / 2, VG_STR("<b c='1'/>")), "too many");
}

/* What the writer writes is read as it was. */
static void
the_writer_is_read_back(void **state)
{
    (void)state;
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    struct vg_str text = VG_STR("<&>\"' ]]> \r\n\t \xF0\x9F\x98\xB9");
    struct vg_buf b;
    vg_buf_init(&b, a, 1 << 10);
    vg_xmlw_element(&b, VG_STR("a"), text);
    assert_true(vg_str_eq(read_ok(a, vg_buf_str(&b))->text, text));
    vg_buf_clear(&b);
    vg_xmlw_begin(&b, VG_STR("a"));
    vg_xmlw_attr(&b, VG_STR("b"), text);
    vg_xmlw_attr(&b, VG_STR("c"), VG_STR_NONE);
    vg_buf_adds(&b, VG_STR("/>"));
    const struct vg_xml *e = read_ok(a, vg_buf_str(&b));
    assert_true(e->n_attrs == 2 && vg_str_eq(e->attrs[0].value, text));
    assert_str(e->attrs[1].value, "");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elements_attributes_and_text_are_read),
        cmocka_unit_test(white_space_of_a_text_is_kept),
        cmocka_unit_test(prefixes_are_ignored_but_xsi),
        cmocka_unit_test(document_types_are_refused),
        cmocka_unit_test(what_is_not_wellformed_is_refused),
        cmocka_unit_test(other_encodings_become_utf8),
        cmocka_unit_test(depth_and_number_are_bounded),
        cmocka_unit_test(the_writer_is_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
