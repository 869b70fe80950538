/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Room on the disk.  RocksDB does not survive a full disk, so writes are refused while there is
 * still some: below ROOM_LOW a commit fails and reads go on.  Commits that make room go on down to
 * ROOM_RESERVE.  Others may fill the disk meanwhile; for what RocksDB still has to write then
 * (memtables, compactions) a ballast file is let go below ROOM_CRITICAL.  When there is room again
 * writing resumes and the ballast is laid again.
 */

#include "base/arena.h"
#include "os/file.h"
#include "store/kv_int.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define MB            (UINT64_C(1) << 20)
#define ROOM_LOW      (96 * MB)
#define ROOM_BACK     (128 * MB)
#define ROOM_RESERVE  (64 * MB)
#define ROOM_CRITICAL (48 * MB)
#define BALLAST_BYTES (32 * MB)
#define LOOK_BYTES    (4 * MB) /* written since the last look */

static struct vg_str
ballast_path(struct vg_kv *kv, struct vg_arena *arena)
{
    return vg_str_fmt(arena, "%" VG_FMT "/ballast", VG_ARG(kv->setup.room_path));
}

/* Real blocks, so that letting go of them makes room. Failing is no harm: it is tried again. */
static void
lay_ballast(struct vg_kv *kv)
{
    vg_auto_arena struct vg_arena *tmp = vg_arena_new(0);
    const char *path = vg_str_cstr(tmp, ballast_path(kv, tmp));
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    if (fd < 0)
        return;
    kv->has_ballast = posix_fallocate(fd, 0, (off_t)BALLAST_BYTES) == 0;
    close(fd);
    if (!kv->has_ballast)
        unlink(path);
}

static void
drop_ballast(struct vg_kv *kv)
{
    vg_auto_arena struct vg_arena *tmp = vg_arena_new(0);
    unlink(vg_str_cstr(tmp, ballast_path(kv, tmp)));
    kv->has_ballast = false;
}

static bool
free_bytes(struct vg_kv *kv, uint64_t *ret)
{
    struct vg_err err;
    if (kv->setup.free_bytes)
        return kv->setup.free_bytes(kv->setup.open_arg, ret);
    return vg_dir_free_bytes(kv->setup.room_path, ret, &err) == VG_OK;
}

void
vg_room_look(struct vg_kv *kv)
{
    if (kv->setup.room_path.ptr == NULL || pthread_mutex_trylock(&kv->room_lock) != 0)
        return;
    uint64_t bytes;
    kv->written_bytes = 0;
    if (free_bytes(kv, &bytes)) {
        kv->room_bytes = bytes;
        if (bytes < ROOM_CRITICAL && kv->has_ballast)
            drop_ballast(kv);
        if (!kv->is_full && bytes < ROOM_LOW)
            kv->is_full = true;
        if (kv->is_full && bytes >= ROOM_BACK)
            kv->is_full = false;
        if (!kv->has_ballast && bytes >= ROOM_BACK + BALLAST_BYTES)
            lay_ballast(kv);
    }
    pthread_mutex_unlock(&kv->room_lock);
}

/* Before the engine is opened, which writes too; a ballast of the last run may be there. */
void
vg_room_before_open(struct vg_kv *kv)
{
    uint64_t bytes;
    pthread_mutex_init(&kv->room_lock, NULL);
    if (kv->setup.room_path.ptr == NULL)
        return;
    vg_auto_arena struct vg_arena *tmp = vg_arena_new(0);
    kv->has_ballast = vg_file_exists(ballast_path(kv, tmp));
    if (kv->has_ballast && free_bytes(kv, &bytes) && bytes < ROOM_CRITICAL)
        drop_ballast(kv);
    vg_room_look(kv);
}

void
vg_room_note(struct vg_kv *kv, uint64_t bytes)
{
    if (atomic_fetch_add_explicit(&kv->written_bytes, bytes, memory_order_relaxed) + bytes
        > LOOK_BYTES)
        vg_room_look(kv);
}

static vg_rc
fail_full(struct vg_kv *kv, const char *done, uint64_t bytes, struct vg_err *err)
{
    vg_err_set(err,
               "the disk of the data folder is almost full (%llu MB free): nothing is %s until "
               "%llu MB are free",
               (unsigned long long)(kv->room_bytes / MB), done, (unsigned long long)(bytes / MB));
    err->os_errno = ENOSPC;
    return VG_FAIL;
}

vg_rc
vg_kv_check_room(struct vg_kv *kv, struct vg_err *err)
{
    return kv->is_full ? fail_full(kv, "written", ROOM_BACK, err) : VG_OK;
}

vg_rc
vg_room_check_reserve(struct vg_kv *kv, struct vg_err *err)
{
    if (kv->is_full)
        vg_room_look(kv); /* so near the end each look counts, and there are few of these */
    bool is_left = !kv->is_full || kv->room_bytes >= ROOM_RESERVE;
    return is_left ? VG_OK : fail_full(kv, "removed", ROOM_RESERVE, err);
}
