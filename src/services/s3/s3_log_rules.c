/* SPDX-License-Identifier: Apache-2.0 */

/* How log objects are called, and whom they are granted to: pure. */

#include "services/s3/s3_log.h"

#include "codec/time.h"

#define DAY_MS INT64_C(86400000)

struct s3_log_source
s3_log_source_of(const struct s3_rec_bucket *b)
{
    return (struct s3_log_source) { b->name, b->account, b->region };
}

/* The model has fewer of them than lists of grants have, which S3 takes all. */
int
s3_log_permission(struct vg_str name)
{
    static const struct {
        struct vg_str name;
        int value;
    } all[] = {
        { VG_STR_INIT("FULL_CONTROL"), S3_PERMISSION_FULL_CONTROL },
        { VG_STR_INIT("READ"), S3_PERMISSION_READ },
        { VG_STR_INIT("READ_ACP"), S3_PERMISSION_READ_ACP },
        { VG_STR_INIT("WRITE"), S3_PERMISSION_WRITE },
        { VG_STR_INIT("WRITE_ACP"), S3_PERMISSION_WRITE_ACP },
    };
    for (size_t i = 0; i < VG_COUNT(all); i++)
        if (vg_str_eq(all[i].name, name))
            return all[i].value;
    return 0;
}

/* What says nothing is by event, as CloudFormation and the CDK have it. */
bool
s3_log_is_by_event(const struct s3_logging_enabled *conf)
{
    const struct s3_target_object_key_format *format = conf->target_object_key_format;
    const struct s3_partitioned_prefix *parts = format ? format->partitioned_prefix : NULL;
    return parts && parts->partition_date_source.v != S3_PARTITION_DATE_SOURCE_DELIVERY_TIME;
}

/* "For EventTime … the hour, minutes and seconds are set to 00 in the key":
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_PartitionedPrefix.html */
struct vg_str
s3_log_key(struct vg_arena *arena, const struct s3_logging_enabled *conf,
           const struct s3_log_source *from, int64_t event_ms, int64_t delivered_ms,
           uint64_t unique)
{
    const struct s3_target_object_key_format *format = conf->target_object_key_format;
    bool is_by_event = s3_log_is_by_event(conf);
    int64_t at_ms = is_by_event ? event_ms / DAY_MS * DAY_MS : delivered_ms;
    const struct vg_date d = vg_date_of_days(at_ms / DAY_MS);
    int second = (int)(at_ms % DAY_MS / 1000);
    struct vg_buf b;
    vg_buf_init(&b, arena, 64u << 10);
    vg_buf_adds(&b, conf->target_prefix);
    if (format && format->partitioned_prefix)
        vg_buf_addf(&b, "%" VG_FMT "/%" VG_FMT "/%" VG_FMT "/%04d/%02d/%02d/",
                    VG_ARG(from->account), VG_ARG(from->region), VG_ARG(from->bucket), d.year,
                    d.month, d.day);
    vg_buf_addf(&b, "%04d-%02d-%02d-%02d-%02d-%02d-%016llX", d.year, d.month, d.day, second / 3600,
                second / 60 % 60, second % 60, (unsigned long long)unique);
    return vg_buf_str(&b);
}
