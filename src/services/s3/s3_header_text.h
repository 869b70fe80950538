/* SPDX-License-Identifier: Apache-2.0 */
#ifndef S3_HEADER_TEXT_H
#define S3_HEADER_TEXT_H

/*
 * Metadata that is not ASCII, in headers. Pure; what is given out is the arena's or the input.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html
 */

#include "base/str.h"

struct vg_arena;

/*
 * What the value of a header means: encoded words of RFC 2047 are decoded, bytes beyond ASCII are
 * characters of ISO 8859-1.
 */
struct vg_str s3_header_text_decode(struct vg_arena *arena, struct vg_str value);
/* As it is where it is printable ASCII, else as one encoded word. */
struct vg_str s3_header_text_encode(struct vg_arena *arena, struct vg_str text);

/* No character that would end it or what is behind it. */
bool s3_is_header_value(struct vg_str s);
/*
 * What came otherwise as a header: metadata in UTF-8 becomes an encoded word where it must.  False:
 * no header can hold that.  `name` in lower case.
 */
bool s3_header_of(struct vg_arena *arena, struct vg_str name, struct vg_str *value);

#endif
