/* SPDX-License-Identifier: Apache-2.0 */
#include "base/test.h"
#include "core/authz.h"
#include "core/fail.h"
#include "core/registry.h"
#include "wire/shape.h"

struct input {
    struct vg_str table, index;
};

static const struct vg_shape string_shape = { .type = VG_T_STR, .size = sizeof(struct vg_str) };
static const struct vg_member members[] = {
    { .name = VG_STR_INIT("TableName"),
      .shape = &string_shape,
      .offset = offsetof(struct input, table) },
    { .name = VG_STR_INIT("IndexName"),
      .shape = &string_shape,
      .offset = offsetof(struct input, index) },
};
static const struct vg_shape input_shape = {
    .type = VG_T_STRUCT, .size = sizeof(struct input), .members = members, .n_members = 2
};

static const struct vg_service one_service, two_service;
static const struct vg_op get_op = { .endpoint = VG_STR_INIT("one"),
                                     .name = VG_STR_INIT("Get"),
                                     .in = &input_shape,
                                     .service = &one_service };
static const struct vg_op put_op = { .endpoint = VG_STR_INIT("one"),
                                     .name = VG_STR_INIT("Put"),
                                     .service = &one_service };
static const struct vg_op get_two_op = { .endpoint = VG_STR_INIT("two"),
                                         .name = VG_STR_INIT("Get"),
                                         .service = &two_service };
static int n_expired;

static vg_rc
expire(struct vg_req *rq, const void *in, void *out)
{
    (void)rq, (void)in, (void)out;
    n_expired++;
    return VG_OK;
}

static const struct vg_op expire_op = { .endpoint = VG_STR_INIT("one"),
                                        .name = VG_STR_INIT("_Expire"),
                                        .handler = expire,
                                        .flags = VG_OP_INTERNAL,
                                        .service = &one_service };
static const struct vg_op *const one_ops[] = { &get_op, &put_op, &expire_op, NULL };
static const struct vg_op *const two_ops[] = { &get_two_op, NULL };
static int opened, closed;

static vg_rc
open_one(const struct vg_env *env, void **ret_svc, struct vg_err *err)
{
    (void)env;
    (void)err;
    *ret_svc = &opened;
    opened++;
    return VG_OK;
}

static vg_rc
fail_two(const struct vg_env *env, void **ret_svc, struct vg_err *err)
{
    (void)env;
    (void)ret_svc;
    return vg_err_set(err, "no");
}

static void
close_one(void *svc)
{
    closed += svc == &opened;
}

static const struct vg_service one_service = {
    .name = "one", .ops = one_ops, .init = open_one, .fini = close_one
};
static const struct vg_service two_service = { .name = "two", .ops = two_ops };
static const struct vg_service bad_service = { .name = "two", .ops = two_ops, .init = fail_two };

static void
operations_are_found_by_both_names(void **state)
{
    (void)state;
    const struct vg_service *const services[] = { &one_service, &two_service };
    struct vg_registry *reg = vg_registry_new(services, 2);
    assert_ptr_equal(vg_registry_find(reg, VG_STR("one"), VG_STR("Get")), &get_op);
    assert_ptr_equal(vg_registry_find(reg, VG_STR("two"), VG_STR("Get")), &get_two_op);
    assert_null(vg_registry_find(reg, VG_STR("two"), VG_STR("Put")));
    assert_null(vg_registry_find(reg, VG_STR("three"), VG_STR("Get")));
    assert_ptr_equal(vg_registry_by_arn(reg, VG_STR("arn:aws:two:us-east-1:1:x")), &two_service);
    assert_null(vg_registry_by_arn(reg, VG_STR("*")));
    vg_registry_free(reg);
}

static void
a_failed_start_closes_what_was_open(void **state)
{
    (void)state;
    const struct vg_service *const services[] = { &one_service, &bad_service };
    struct vg_registry *reg = vg_registry_new(services, 2);
    struct vg_err err = { 0 };
    opened = closed = 0;
    assert_int_equal(vg_registry_init(reg, NULL, &err), VG_FAIL);
    assert_str(vg_err_text(&err), "starting two: no");
    assert_int_equal(opened, 1);
    assert_int_equal(closed, 1);
    vg_registry_free(reg);
}

static struct vg_str
expand(struct vg_arena *arena, const char *template_text, const struct input *in)
{
    const struct vg_scope scope = { .owner = VG_STR("123456789012"),
                                    .partition = VG_STR("aws"),
                                    .region = VG_STR("eu-west-1") };
    struct vg_req rq = { .arena = arena, .scope = &scope, .op = &get_op };
    return vg_arn_expand(&rq, template_text, in);
}

/* The resource types of
 * https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html */
static void
resource_templates_take_members(void **state)
{
    (void)state;
    vg_auto_arena struct vg_arena *arena = vg_arena_new(0);
    struct input in = { .table = VG_STR("music"), .index = VG_STR("by-artist") };
    const char *text = "arn:{partition}:dynamodb:{region}:{account}:table/{TableName|arn}";
    assert_str(expand(arena, text, &in), "arn:aws:dynamodb:eu-west-1:123456789012:table/music");
    in.table = VG_STR("arn:aws:dynamodb:us-east-1:210987654321:table/other");
    assert_str(expand(arena, text, &in), "arn:aws:dynamodb:us-east-1:210987654321:table/other");
    in.table = VG_STR("t");
    assert_str(expand(arena, "x/{TableName}/index/{IndexName}", &in), "x/t/index/by-artist");
    assert_str(expand(arena, "*", &in), "*");
}

/* They ask no policy, so a name that came from outside must not lead to them. */
static void
internal_operations_have_no_name(void **state)
{
    (void)state;
    vg_auto_arena struct vg_arena *arena = vg_arena_new(0);
    const struct vg_service *const services[] = { &one_service };
    struct vg_registry *reg = vg_registry_new(services, 1);
    const struct vg_env env = { .registry = reg };
    const struct vg_scope scope = { .owner = VG_STR("123456789012") };
    struct vg_sess sess = { .arena = arena };
    struct vg_err err = { 0 };
    struct vg_req rq = { .arena = arena, .env = &env, .scope = &scope, .sess = &sess, .err = &err };
    struct vg_str out;
    assert_int_equal(
        vg_call_named(&rq, NULL, VG_STR("one"), VG_STR("_Expire"), VG_STR("{}"), &out, &err),
        VG_FAIL);
    assert_ptr_equal(err.def, &vg_err_unknown_operation);
    assert_int_equal(n_expired, 0);
    vg_registry_free(reg);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(operations_are_found_by_both_names),
        cmocka_unit_test(a_failed_start_closes_what_was_open),
        cmocka_unit_test(resource_templates_take_members),
        cmocka_unit_test(internal_operations_have_no_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
