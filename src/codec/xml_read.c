/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/xml_read.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/limits.h"

#include <expat.h>
#include <limits.h>

#define NS_SEPARATOR  '\n' /* in no namespace: expat refuses one that holds it */
#define XSI_NAMESPACE "http://www.w3.org/2001/XMLSchema-instance"

struct reader {
    XML_Parser parser;
    struct vg_arena *arena;
    struct vg_buf text;                     /* of the innermost open element, so far */
    struct vg_xml *open[VG_XML_DEPTH_MAX];  /* the elements that are open, outermost first */
    struct vg_xml **slot[VG_XML_DEPTH_MAX]; /* where the next element inside each is linked */
    struct vg_xml *root;
    size_t depth, n_nodes;
    const char *why; /* we stopped expat: what for */
};

static void
stop(struct reader *r, const char *why)
{
    r->why = why;
    (void)XML_StopParser(r->parser, XML_FALSE);
}

/* "namespace\nname", or a name without one. */
static struct vg_str
local_name(struct vg_str name)
{
    size_t at = vg_str_rfind_char(name, NS_SEPARATOR);
    return at == VG_NPOS ? name : vg_str_slice(name, at + 1, name.len);
}

static struct vg_str
attr_name(struct vg_arena *arena, struct vg_str name)
{
    struct vg_str local = local_name(name);
    bool is_xsi =
        local.len + sizeof(XSI_NAMESPACE) == name.len && vg_str_starts(name, VG_STR(XSI_NAMESPACE));
    return is_xsi ? vg_str_cat(arena, VG_STR("xsi:"), local) : vg_str_dup(arena, local);
}

static void
take_attrs(struct reader *r, const char **attrs, struct vg_xml *e)
{
    size_t n = 0;
    while (attrs[2 * n])
        n++;
    r->n_nodes += n;
    if (n == 0 || r->n_nodes > VG_XML_NODES_MAX)
        return; /* our caller looks at the number */
    struct vg_xml_attr *to = VG_NEW_ARRAY(r->arena, struct vg_xml_attr, n);
    for (size_t i = 0; i < n; i++)
        to[i] = (struct vg_xml_attr) { attr_name(r->arena, vg_str_of(attrs[2 * i])),
                                       vg_str_dup(r->arena, vg_str_of(attrs[2 * i + 1])) };
    e->attrs = to;
    e->n_attrs = n;
}

static void
on_start(void *arg, const char *name, const char **attrs)
{
    struct reader *r = arg;
    if (r->why) /* expat may hand out a little more after it was stopped */
        return;
    if (r->depth == VG_XML_DEPTH_MAX) {
        stop(r, "nested too deep");
        return;
    }
    struct vg_xml *e = VG_NEW(r->arena, struct vg_xml);
    e->name = vg_str_dup(r->arena, local_name(vg_str_of(name)));
    e->text = VG_STR("");
    r->n_nodes++;
    take_attrs(r, attrs, e);
    if (r->n_nodes > VG_XML_NODES_MAX) {
        stop(r, "too many elements");
        return;
    }
    struct vg_xml ***link = r->depth ? &r->slot[r->depth - 1] : NULL;
    if (link) {
        **link = e;
        *link = &e->next;
    } else {
        r->root = e;
    }
    r->slot[r->depth] = &e->first;
    r->open[r->depth++] = e;
    r->text.len = 0;
}

static void
on_end(void *arg, const char *name)
{
    (void)name; /* expat has compared it */
    struct reader *r = arg;
    if (r->why)
        return;
    struct vg_xml *e = r->open[--r->depth];
    if (e->first == NULL && r->text.len > 0)
        e->text = vg_str_dup(r->arena, vg_buf_str(&r->text));
    r->text.len = 0;
}

static void
on_text(void *arg, const char *text, int len)
{
    struct reader *r = arg;
    if (r->why == NULL)
        vg_buf_add(&r->text, text, (size_t)len);
}

static void
on_doctype(void *arg, const char *name, const char *system, const char *public, int has_internal)
{
    (void)name;
    (void)system;
    (void)public;
    (void)has_internal;
    stop(arg, "it has a document type declaration");
}

vg_rc
vg_xml_read(struct vg_arena *arena, struct vg_str text, const struct vg_xml **ret,
            struct vg_err *err)
{
    if (text.len > INT_MAX)
        return vg_err_set(err, "the XML is too long");
    struct reader r = { .arena = arena, .parser = XML_ParserCreateNS(NULL, NS_SEPARATOR) };
    if (r.parser == NULL)
        return vg_err_set(err, "no memory for an XML parser");
    vg_buf_init(&r.text, arena, text.len * 3); /* a byte of ISO-8859-1 is two of UTF-8 */
    XML_SetUserData(r.parser, &r);
    XML_SetElementHandler(r.parser, on_start, on_end);
    XML_SetCharacterDataHandler(r.parser, on_text);
    XML_SetStartDoctypeDeclHandler(r.parser, on_doctype);
    (void)XML_SetParamEntityParsing(r.parser, XML_PARAM_ENTITY_PARSING_NEVER);
    enum XML_Status status = XML_Parse(r.parser, text.ptr ? text.ptr : "", (int)text.len, XML_TRUE);
    vg_rc rc = VG_OK;
    if (status != XML_STATUS_OK || r.why)
        rc = vg_err_set(err, "the XML cannot be read: %s (line %lu)",
                        r.why ? r.why : XML_ErrorString(XML_GetErrorCode(r.parser)),
                        (unsigned long)XML_GetCurrentLineNumber(r.parser));
    else
        *ret = r.root;
    XML_ParserFree(r.parser);
    return rc;
}
