/* SPDX-License-Identifier: Apache-2.0 */
#include "core/authz.h"
#include "core/env.h"
#include "core/plane.h"
#include "http/server.h"
#include "os/clock.h"
#include "os/fiber.h"
#include "os/file.h"
#include "sandbox/sandbox.h"
#include "services/lambda/lambda_int.h"

#include <stdio.h>
#include <stdlib.h>

#define CODE_PATH VG_STR("/_virga/lambda/code/")

/* --- downloads: what GetFunction's Code.Location points to; the id in it is the secret
 * ------------
 */

static bool
is_download(const struct vg_env *env, struct vg_str host, struct vg_str path)
{
    (void)env;
    (void)host;
    return vg_str_starts(path, CODE_PATH);
}

struct reading {
    struct vg_arena *arena;
    struct vg_str path, data;
    vg_rc rc;
    struct vg_err err;
};

static void
read_package(void *arg)
{
    struct reading *r = arg;
    r->rc = vg_file_read(r->arena, r->path, LAMBDA_LIMIT_CODE_ZIPPED_BYTES + 1u, &r->data, &r->err);
}

static void VG_WAITS
serve_download(struct vg_req *rq, struct vg_http_req *http)
{
    const struct lambda_svc *svc = rq->svc;
    struct vg_str id = vg_str_slice(http->path, CODE_PATH.len, http->path.len);
    bool ok = id.len == 27 && svc;
    for (size_t i = 0; ok && i < id.len; i++)
        ok = (id.ptr[i] >= 'a' && id.ptr[i] <= 'z') || (id.ptr[i] >= '0' && id.ptr[i] <= '9');
    struct reading r = { .arena = http->arena, .rc = VG_FAIL };
    if (ok) {
        r.path = vg_str_fmt(http->arena, "%s/%" VG_FMT "/package.zip", svc->code_dir, VG_ARG(id));
        vg_offload(read_package, &r);
    }
    const struct vg_http_header type = { VG_STR("Content-Type"), VG_STR("application/zip") };
    vg_http_reply(http, r.rc == VG_OK ? 200 : 404, &type, 1, r.rc == VG_OK ? r.data : VG_STR(""));
}

static const struct vg_plane planes[] = { { "lambda-code", is_download, serve_download } };

/* --- life ---------------------------------------------------------------------------------------
 */

static void
read_boot(struct lambda_svc *svc)
{
    FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");
    if (f && fgets(svc->boot_id, sizeof(svc->boot_id), f))
        svc->boot_id[strcspn(svc->boot_id, "\n")] = 0;
    if (f)
        fclose(f);
    svc->boot_s = (vg_wall_ms() - vg_mono_ms()) / 1000 + 2;
}

static vg_rc
init(const struct vg_env *env, void **ret_svc, struct vg_err *err)
{
    vg_auto_arena struct vg_arena *arena = vg_arena_new(0);
    struct vg_str dir = vg_str_cat(arena, env->config->data_dir, VG_STR("/lambda"));
    vg_rc rc = vg_dir_make(dir, 0755, err);
    if (rc != VG_OK)
        return rc;
    struct lambda_svc *svc = vg_xalloc(sizeof(*svc));
    svc->env = env;
    svc->code_dir = vg_xalloc(dir.len + 1);
    memcpy(svc->code_dir, dir.ptr, dir.len);
    read_boot(svc);
    pthread_mutex_init(&svc->lock, NULL);
    if (env->sandboxes)
        vg_sandboxes_on_logs(env->sandboxes, lambda_on_logs, svc);
    if (env->n_loops > 0)
        lambda_queue_start(svc);
    *ret_svc = svc;
    return VG_OK;
}

static void
fini(void *p)
{
    struct lambda_svc *svc = p;
    if (!svc)
        return;
    pthread_mutex_destroy(&svc->lock);
    free(svc->code_dir);
    free(svc);
}

/* What the policy evaluator must know of a function. */
static vg_rc
resource(struct vg_req *rq, struct vg_str arn, struct vg_resource *ret)
{
    struct lambda_name name;
    struct lambda_rec_function fn;
    if (!lambda_name_parse(arn, &name))
        return VG_OK;
    vg_rc rc = lambda_store_get(rq, name.name, LAMBDA_LATEST, &fn);
    if (rc != VG_OK || !fn.name.ptr)
        return rc;
    ret->owner = name.account;
    ret->policy = lambda_policy_text(rq, &fn, name.qualifier);
    struct vg_tag *tags = VG_NEW_ARRAY(rq->arena, struct vg_tag, fn.tags.len + 1);
    for (size_t i = 0; i < fn.tags.len; i++)
        tags[i] = (struct vg_tag) { fn.tags.items[i].key, fn.tags.items[i].value };
    ret->tags = tags;
    ret->n_tags = fn.tags.len;
    return VG_OK;
}

const struct vg_service lambda_service = {
    .name = "lambda",
    .ops = lambda_ops,
    .planes = planes,
    .n_planes = VG_COUNT(planes),
    .init = init,
    .resource = resource,
    .fini = fini,
};
