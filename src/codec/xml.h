/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_CODEC_XML_H
#define VG_CODEC_XML_H

/*
 * A writer for XML 1.0 elements.  Nesting is the caller's; names are written as they are.  Bytes
 * that are not UTF-8, and characters that XML cannot hold even escaped, become U+FFFD.
 */

#include "base/buf.h"

void vg_xmlw_open(struct vg_buf *b, struct vg_str name); /* <name> */
/* <name xmlns="ns"> */
void vg_xmlw_open_ns(struct vg_buf *b, struct vg_str name, struct vg_str ns);
/* <name, then any number of attributes, then '>' */
void vg_xmlw_begin(struct vg_buf *b, struct vg_str name);
void vg_xmlw_attr(struct vg_buf *b, struct vg_str name, struct vg_str value);
void vg_xmlw_close(struct vg_buf *b, struct vg_str name); /* </name> */
void vg_xmlw_text(struct vg_buf *b, struct vg_str text);  /* escaped */
/* <name>text</name> */
void vg_xmlw_element(struct vg_buf *b, struct vg_str name, struct vg_str text);

#endif
