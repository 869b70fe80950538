/* SPDX-License-Identifier: Apache-2.0 */
#ifndef S3_CONTENT_H
#define S3_CONTENT_H

/*
 * The bytes of objects and parts: checked and sealed as they come, opened and checked as they go.
 *
 * Each content is sealed in segments (crypto/segment.h) by a random key of its own, which is kept
 * in its record, sealed by the account's master key or by one that the caller has.  Up to
 * S3_SMALL_MAX bytes go into the store with the version, more into a content file.  A writer and a
 * reader take the same small memory whatever the size, and belong to one fiber.
 */

#include "services/s3/s3_int.h"

struct vg_blob;
struct vg_blobs;
struct vg_segments;

#define S3_SMALL_MAX 8192u

/* Whose key seals the contents' keys: the account's master key, or `own` (of S3_KEY_BYTES). */
struct s3_sealer {
    struct vg_str account;
    const uint8_t *own;
};

/* --- writing ------------------------------------------------------------------------------------
 */

/* What the client says of the bytes; absent is not said. */
struct s3_declared {
    int64_t size;            /* -1: not known */
    struct vg_str md5;       /* Content-MD5 */
    struct vg_str algorithm; /* as s3_checksum_kind() has it; absent: CRC64NVME */
    struct vg_str checksum;  /* of that algorithm; comes at the end where it is a trailer */
    bool is_part;            /* always a file: parts have no place in the store */
    bool has_crc64nvme;      /* of a part: it is wanted beside that of `algorithm` */
};

struct s3_written {
    struct s3_rec_content *content;
    struct vg_str small; /* for s3_store_add_version(); absent: there is a file */
    struct vg_str etag;  /* without quotes */
    struct s3_rec_checksum *checksum;
    struct vg_str crc64nvme; /* where it was wanted besides */
};

struct s3_writer;

/* Fails with InvalidDigest, InvalidRequest, EntityTooLarge. *ret needs closing. */
vg_rc s3_writer_open(struct vg_req *rq, const struct s3_sealer *sealer,
                     const struct s3_declared *declared, struct s3_writer **ret)
    VG_WAITS VG_MUST_USE;
/* Copies `bytes`, waits while the work is behind. Fails with EntityTooLarge, or as the disk does.
 */
vg_rc s3_writer_add(struct s3_writer *w, struct vg_str bytes) VG_WAITS VG_MUST_USE;
/*
 * All has come.  `trailer`: the checksum that came behind it; absent: none did.  Fails with
 * BadDigest, or InvalidRequest when the trailer is no checksum.  What it gives is the request
 * arena's, and lost at the next start unless a transaction keeps it: s3_store_add_version().
 */
vg_rc s3_writer_finish(struct s3_writer *w, struct vg_str trailer, struct s3_written *ret)
    VG_WAITS VG_MUST_USE;
/* Discards what was not finished. Accepts NULL. */
void s3_writer_close(struct s3_writer *w) VG_WAITS;

/* Lets go at once of what was finished and is not to be kept after all. */
void s3_content_drop(struct vg_req *rq, const struct s3_rec_content *content) VG_WAITS;

/* --- reading ------------------------------------------------------------------------------------
 */

struct s3_source {
    const struct s3_rec_content *content;
    struct vg_str small; /* s3_store_small(), of content that has no file */
};

/* One that is read segment by segment. */
struct s3_opened {
    const struct s3_source *source;
    struct vg_blob *blob;
    struct vg_segments *cipher;
};
/*
 * `source` stays.  `with` seals its key; NULL: no segment is to be read.  Fails when the key does
 * not open, and when there are more bytes or fewer than are recorded.
 */
vg_rc s3_source_open(struct vg_blobs *blobs, const struct s3_source *source,
                     const uint8_t with[S3_KEY_BYTES], struct s3_opened *ret, struct vg_err *err)
    VG_WAITS VG_MUST_USE;
/* Segment `i`, opened, in `to`, which has room for what is stored of it. */
vg_rc s3_source_segment(const struct s3_opened *o, uint64_t i, uint8_t *to, struct vg_str *ret,
                        struct vg_err *err) VG_WAITS VG_MUST_USE;
void s3_source_close(struct s3_opened *o); /* may be closed already */

struct s3_reader;

/*
 * `bytes` from `from` on of the sources put one behind the other, which outlive the reader.  What
 * is damaged or missing is an internal error, here or when it is met.
 */
vg_rc s3_reader_open(struct vg_req *rq, const struct s3_sealer *sealer,
                     const struct s3_source *sources, size_t n, uint64_t from, uint64_t bytes,
                     struct s3_reader **ret) VG_WAITS VG_MUST_USE;
/* The next bytes, valid until the next call; empty at the end. */
vg_rc s3_reader_next(struct s3_reader *r, struct vg_str *ret) VG_WAITS VG_MUST_USE;
void s3_reader_close(struct s3_reader *r) VG_WAITS; /* accepts NULL */

static inline void
s3_writer_close_p(struct s3_writer **w)
{
    s3_writer_close(*w);
}
#define s3_auto_writer __attribute__((cleanup(s3_writer_close_p)))
static inline void
s3_reader_close_p(struct s3_reader **r)
{
    s3_reader_close(*r);
}
#define s3_auto_reader __attribute__((cleanup(s3_reader_close_p)))

/* --- shared by both -----------------------------------------------------------------------------
 */

#define S3_KEY_LABEL VG_STR("s3 content")

/* The key that seals the keys. */
vg_rc s3_sealer_key(struct vg_req *rq, const struct s3_sealer *sealer, uint8_t ret[S3_KEY_BYTES])
    VG_WAITS VG_MUST_USE;

#endif
