/* SPDX-License-Identifier: Apache-2.0 */
/* Hostile packages are made here with libzip, so that what is tested is in the test. */
#include "base/test.h"
#include "os/file.h"
#include "services/lambda/lambda_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zip.h>

struct entry {
    const char *name;
    const char *data;
    unsigned mode; /* 0: made on a system without modes */
};

static char dir[64], why[256];
static uint64_t bytes;

static enum lambda_zip_rc
unpack_bytes(struct vg_str zip, uint64_t max)
{
    struct vg_err err;
    int fd = memfd_create("zip", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_ok(vg_fd_write_all(fd, zip, &err));
    return lambda_zip_unpack(fd, dir, max, &bytes, why, sizeof(why));
}

static enum lambda_zip_rc
unpack(const struct entry *e, size_t n, uint64_t max)
{
    zip_error_t error;
    zip_source_t *src = zip_source_buffer_create(NULL, 0, 0, &error);
    zip_source_keep(src);
    zip_t *z = zip_open_from_source(src, ZIP_TRUNCATE, &error);
    for (size_t i = 0; i < n; i++) {
        size_t len = strlen(e[i].name);
        if (e[i].name[len - 1] == '/') {
            zip_dir_add(z, e[i].name, 0);
            continue;
        }
        zip_source_t *data = zip_source_buffer(z, e[i].data, strlen(e[i].data), 0);
        zip_int64_t at = zip_file_add(z, e[i].name, data, ZIP_FL_OVERWRITE);
        zip_file_set_external_attributes(z, (zip_uint64_t)at, 0,
                                         e[i].mode ? ZIP_OPSYS_UNIX : ZIP_OPSYS_DOS,
                                         (zip_uint32_t)e[i].mode << 16);
    }
    assert_int_equal(zip_close(z), 0);
    zip_source_open(src);
    zip_stat_t st;
    zip_source_stat(src, &st);
    char *file = malloc(st.size);
    assert_int_equal(zip_source_read(src, file, st.size), st.size);
    zip_source_close(src);
    zip_source_free(src);
    enum lambda_zip_rc rc = unpack_bytes(vg_str_n(file, st.size), max);
    free(file);
    return rc;
}

static struct stat
look(const char *name)
{
    char path[128];
    struct stat st;
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    assert_int_equal(lstat(path, &st), 0);
    return st;
}

static void
files_keep_their_content_and_become_readable(void **state)
{
    (void)state;
    static const struct entry e[] = { { "a.py", "print()", 0100600 },
                                      { "bin/run", "#!", 0100700 },
                                      { "dos", "x", 0 },
                                      { "empty/", "", 0 },
                                      { "node_modules/.bin/x", "../a/x.js", 0120777 },
                                      { "suid", "x", 0104755 } };
    assert_int_equal(unpack(e, VG_COUNT(e), 1000), LAMBDA_ZIP_OK);
    assert_int_equal(look("a.py").st_mode & 07777, 0644);
    assert_int_equal(look("a.py").st_size, 7);
    assert_int_equal(look("bin/run").st_mode & 07777, 0755);
    assert_int_equal(look("dos").st_mode & 07777, 0755);
    assert_int_equal(look("suid").st_mode & 07777, 0755);
    assert_true(S_ISDIR(look("empty").st_mode));
    assert_true(S_ISLNK(look("node_modules/.bin/x").st_mode));
}

static void
nothing_leaves_the_folder(void **state)
{
    (void)state;
    static const struct entry bad[] = {
        { "../x", "x", 0100644 },        { "a/../../x", "x", 0100644 },
        { "/etc/x", "x", 0100644 },      { "a\\..\\x", "x", 0100644 },
        { "l", "/etc/passwd", 0120777 }, { "a/l", "../../x", 0120777 },
        { "dev", "x", 0020644 }
    };
    for (size_t i = 0; i < VG_COUNT(bad); i++) {
        if (unpack(&bad[i], 1, 1000) != LAMBDA_ZIP_BAD)
            fail_msg("%s was unpacked", bad[i].name);
    }
    /* A file "through" a link of the same package: the folder is made first, the link then fails.
     */
    static const struct entry through[] = { { "d", "bin", 0120777 }, { "d/x", "x", 0100644 } };
    assert_int_equal(unpack(through, 2, 1000), LAMBDA_ZIP_BAD);
}

static void
bombs_and_noise_are_refused(void **state)
{
    (void)state;
    char *zeros = calloc(1, 200001);
    memset(zeros, '0', 200000);
    const struct entry bomb = { "zeros", zeros, 0100644 };
    assert_int_equal(unpack(&bomb, 1, 100000), LAMBDA_ZIP_LARGE);
    free(zeros);
    assert_int_equal(unpack_bytes(VG_STR("not a zip"), 1000), LAMBDA_ZIP_BAD);
    assert_int_equal(unpack_bytes(VG_STR(""), 1000), LAMBDA_ZIP_BAD);
    static const struct entry only_folder = { "d/", "", 0 };
    assert_int_equal(unpack(&only_folder, 1, 1000), LAMBDA_ZIP_EMPTY);
}

static int
make(void **state)
{
    (void)state;
    snprintf(dir, sizeof(dir), "/tmp/virga-zip-test-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int
clear(void **state)
{
    (void)state;
    struct vg_err err = { 0 };
    return vg_dir_remove(vg_str_of(dir), &err) == VG_OK ? 0 : -1;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(files_keep_their_content_and_become_readable, make, clear),
        cmocka_unit_test_setup_teardown(nothing_leaves_the_folder, make, clear),
        cmocka_unit_test_setup_teardown(bombs_and_noise_are_refused, make, clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
