/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_CODEC_XML_READ_H
#define VG_CODEC_XML_READ_H

/*
 * A reader of XML 1.0 with namespaces, for bytes from outside, over expat.
 *
 * The whole text becomes a tree of elements in the arena.  What can make a small text large or
 * reach for other files does not exist: a document type declaration, whatever is in it, is refused
 * where it begins, so that only the five predefined entities and character references are known.
 * Nesting is bounded by VG_XML_DEPTH_MAX, elements and attributes together by VG_XML_NODES_MAX
 * (limits.h). UTF-8 unless the text says UTF-16, ISO-8859-1 or US-ASCII; what is handed out is
 * UTF-8 and has no byte that XML forbids.  Comments and processing instructions are skipped.
 *
 * Names are local names: prefixes must be bound, as in any reader with namespaces, but which
 * namespace they are bound to is not looked at.  The one exception are attributes of XML Schema's
 * instance namespace, which are named "xsi:…" whatever their prefix: the models ask for "xsi:type".
 */

#include "base/err.h"

struct vg_arena;

struct vg_xml_attr {
    struct vg_str name, value;
};

struct vg_xml {
    struct vg_str name;
    struct vg_str text; /* of an element without elements inside; else empty. Never absent. */
    const struct vg_xml_attr *attrs;
    size_t n_attrs;
    struct vg_xml *first, *next; /* the first element inside, the next one beside it */
};

/* The root element. Fails with a text that says what is wrong and on which line; no definition. */
vg_rc vg_xml_read(struct vg_arena *arena, struct vg_str text, const struct vg_xml **ret,
                  struct vg_err *err) VG_MUST_USE;

#endif
