/* SPDX-License-Identifier: Apache-2.0 */

/* The timer of a bucket's lifecycle, beside its objects: its payload says how far a run has come.
 */

#include "services/s3/s3_lifecycle.h"
#include "services/s3/s3_store_int.h"

#include "codec/json.h"
#include "core/env.h"
#include "events/events.h"

static const struct vg_str timer_id = VG_STR_INIT("lifecycle");

static struct vg_str
payload_of(struct vg_req *rq, const struct s3_rec_bucket *bucket,
           const struct s3_lifecycle_cursor *c)
{
    struct vg_buf b;
    struct vg_json_out w;
    vg_buf_init(&b, rq->arena, 64u << 10);
    vg_jsonw_init(&w, &b);
    vg_jsonw_object(&w);
    vg_jsonw_kv(&w, VG_STR("Account"), bucket->account);
    vg_jsonw_kv(&w, VG_STR("Region"), bucket->region);
    vg_jsonw_kv(&w, VG_STR("Bucket"), bucket->name);
    vg_jsonw_kv(&w, VG_STR("BucketId"), bucket->id);
    if (c->key.ptr) {
        vg_jsonw_kv(&w, VG_STR("Key"), c->key);
        vg_jsonw_kv_i64(&w, VG_STR("Order"), c->order);
        vg_jsonw_kv_i64(&w, VG_STR("SinceMs"), c->since_ms);
        vg_jsonw_kv_i64(&w, VG_STR("Newer"), c->n_newer);
    }
    if (c->upload_id.ptr)
        vg_jsonw_kv(&w, VG_STR("UploadId"), c->upload_id);
    vg_jsonw_kv_i64(&w, VG_STR("AtUploads"), c->is_at_uploads);
    vg_jsonw_kv_i64(&w, VG_STR("NightMs"), c->night_ms);
    vg_jsonw_kv_i64(&w, VG_STR("SoonestMs"), c->soonest_ms);
    vg_jsonw_object_end(&w);
    return vg_buf_str(&b);
}

vg_rc
s3_store_plan_lifecycle(struct vg_req *rq, struct vg_tx *tx, const struct s3_rec_bucket *bucket,
                        const struct s3_lifecycle_cursor *cursor, int64_t due_ms)
{
    const struct vg_timer timer = { .part = s3_objects_part(rq->arena, bucket->id),
                                    .id = timer_id,
                                    .op = VG_STR("s3/_RunLifecycle"),
                                    .payload = payload_of(rq, bucket, cursor),
                                    .due_ms = due_ms };
    return vg_timer_put(rq->env->events, tx, &timer, rq->err);
}

vg_rc
s3_store_start_lifecycle(struct s3_bucket_edit *e)
{
    struct vg_req *rq = e->rq;
    const struct s3_lifecycle_cursor begin = { .night_ms =
                                                   s3_lifecycle_midnight(vg_now_ms(rq->env)),
                                               .soonest_ms = INT64_MAX };
    int64_t due_ms;
    vg_rc rc = vg_timer_due(rq->env->events, e->tx, s3_objects_part(rq->arena, e->bucket->id),
                            timer_id, &due_ms, rq->err);
    if (rc != VG_OK || due_ms != INT64_MAX)
        return rc;
    return s3_store_plan_lifecycle(rq, e->tx, e->bucket, &begin, begin.night_ms);
}

vg_rc
s3_store_stop_lifecycle(struct s3_bucket_edit *e)
{
    struct vg_req *rq = e->rq;
    return vg_timer_del(rq->env->events, e->tx, s3_objects_part(rq->arena, e->bucket->id), timer_id,
                        rq->err);
}
