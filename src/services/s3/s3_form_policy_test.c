/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Policies of forms:
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html
 * Refusals are those that S3 was seen to give (s3_form_policy.h).
 */

#include "services/s3/s3_form_policy.h"

#include "base/test.h"
#include "codec/base64.h"

#define HEAD "{'expiration':'2013-08-01T12:00:00.000Z','conditions':["

/* In tests ' stands for ". */
static struct vg_str
text_of(struct vg_arena *arena, const char *json)
{
    char *text = vg_arena_copy(arena, json, strlen(json) + 1);
    for (char *p = text; *p; p++)
        *p = *p == '\'' ? '"' : *p;
    return vg_str_of(text);
}

static void
add_field(struct vg_arena *arena, struct s3_form_fields *fields, struct vg_str name,
          struct vg_str value)
{
    *VG_VEC_ADD(arena, fields) = (struct s3_form_field) { vg_str_lower(arena, name), name, value };
}

/* What is said of a form ("a=1&b=2") to the bucket "b" under a policy: "" when it holds. */
static struct vg_str
said(struct vg_arena *arena, const char *json, const char *form)
{
    struct s3_form_policy policy;
    struct s3_form_fields fields = { 0 };
    struct vg_str why, rest = vg_str_of(form);
    struct vg_str text = vg_base64_encode(arena, text_of(arena, json));
    if (!s3_form_policy_read(arena, text, &policy, &why))
        return vg_str_cat(arena, VG_STR("bad: "), why);
    while (rest.len > 0) {
        struct vg_str value = vg_str_cut(&rest, '&');
        struct vg_str name = vg_str_cut(&value, '=');
        add_field(arena, &fields, name, value);
    }
    return s3_form_policy_holds(arena, &policy, VG_STR("b"), &fields, &why) ? VG_STR("") : why;
}

struct case_of {
    const char *policy, *form, *want;
};

static void
hold_to(const struct case_of *all, size_t n)
{
    vg_auto_arena struct vg_arena *arena = vg_arena_new(0);
    for (size_t i = 0; i < n; i++) {
        struct vg_str got = said(arena, all[i].policy, all[i].form);
        struct vg_str want = vg_str_of(all[i].want);
        if (!vg_str_starts(want, VG_STR("bad: "))) /* there ' stands for itself */
            want = text_of(arena, all[i].want);
        if (!vg_str_eq(got, want))
            fail_msg("case %zu: %" VG_FMT, i, VG_ARG(got));
    }
}

#define FAILED "Policy Condition failed: "

static void
forms_are_held_to_conditions(void **state)
{
    (void)state;
    static const struct case_of all[] = {
        { HEAD "{'acl':'public-read'},{'bucket':'b'},['starts-with','$key','user/eric/']]}",
          "acl=public-read&Key=user/eric/x", "" },
        { HEAD "{'bucket':'other'}]}", "bucket=other", FAILED "['eq', '$bucket', 'other']" },
        { HEAD "['eq','$key','a']]}", "key=b", FAILED "['eq', '$key', 'a']" },
        { HEAD "{'key':'a'}]}", "key=b", FAILED "['eq', '$key', 'a']" },
        { HEAD "['eq','$key','A']]}", "key=a", FAILED "['eq', '$key', 'A']" },
        { HEAD "['eq','key','a']]}", "key=a", FAILED "['eq', 'key', 'a']" },
        { HEAD "['EQ','$KEY','a']]}", "key=a", "" },
        { HEAD "['starts-with','$key','']]}", "key=a", "" },
        { HEAD "['starts-with','$key','']]}", "", FAILED "['starts-with', '$key', '']" },
        { HEAD "['starts-with','$key','u/']]}", "key=U/a", FAILED "['starts-with', '$key', 'u/']" },
        { HEAD "['eq','$Content-Disposition','f=\\'x\\'']]}", "content-disposition=a",
          FAILED "['eq', '$Content-Disposition', 'f=\\'x\\'']" },
        /* "image/jpg,image/png,image/gif" */
        { HEAD "['starts-with','$Content-Type','image/']]}",
          "Content-Type=image/jpg,image/png, image/gif", "" },
        { HEAD "['starts-with','$Content-Type','image/']]}", "Content-Type=image/jpg,text/x",
          FAILED "['starts-with', '$Content-Type', 'image/']" },
        { HEAD "['starts-with','$x-amz-meta-t','image/']]}", "x-amz-meta-t=image/a,text/x", "" },
        /* a field may have several conditions */
        { HEAD "['starts-with','$key','a'],['eq','$key','b']]}", "key=ab",
          FAILED "['eq', '$key', 'b']" },
        /* fields that need none, and those that do */
        { HEAD "]}", "Policy=x&X-Amz-Signature=x&Signature=x&AWSAccessKeyId=x&x-ignore-a=x", "" },
        { HEAD "]}", "key=x&StorageClass=y", "Extra input fields: key, StorageClass" },
        { HEAD "['content-length-range',1,2]]}", "", "" },
        { HEAD "['content-length-range','1','2']]}", "", "" },
        { HEAD "['content-length-range','test','10']]}", "",
          FAILED "['content-length-range', 'test', '10']" },
    };
    hold_to(all, VG_COUNT(all));
}

static void
policies_are_read_strictly(void **state)
{
    (void)state;
    static const struct case_of all[] = {
        { "", "", "bad: Invalid JSON." },
        { "[]", "", "bad: Invalid JSON." },
        { "{", "", "bad: Invalid JSON." },
        { HEAD "]} x", "", "bad: Invalid JSON." },
        { HEAD "]},", "", "bad: Invalid JSON." },
        { "{'conditions':[]}", "", "bad: Policy missing expiration." },
        { "{'EXPIRATION':'2013-08-01T12:00:00Z','conditions':[]}", "",
          "bad: Unexpected: 'expiration'" },
        { "{'expiration':'2013-08-01T12:00:00Z'}", "", "bad: Policy missing conditions." },
        { "{'expiration':'2013-08-01T12:00:00Z','conditions':{}}", "",
          "bad: Invalid 'conditions' value: must be a List." },
        { "{'expiration':1,'conditions':[]}", "", "bad: Invalid JSON." },
        { "{'expiration':'2011-09-13T07:52:58+02:00','conditions':[]}", "",
          "bad: Invalid 'expiration' value: '2011-09-13T07:52:58+02:00'" },
        { "{'expiration':'2015-10-17 03:15:59 UTC','conditions':[]}", "",
          "bad: Invalid 'expiration' value: '2015-10-17 03:15:59 UTC'" },
        { "{'expiration':'2013-08-01T12:00:00Z','conditions':[],'Statement':[]}", "",
          "bad: Unexpected: 'statement'" },
        { HEAD "1]}", "", "bad: Invalid condition: must be a List or Object." },
        { HEAD "{}]}", "",
          "bad: Invalid Simple-Condition: Simple-Conditions must have exactly one property "
          "specified." },
        { HEAD "{'bucket':'b','key':'k'}]}", "",
          "bad: Invalid Simple-Condition: Simple-Conditions must have exactly one property "
          "specified." },
        { HEAD "{'Content-Length':6199034}]}", "",
          "bad: Invalid Simple-Condition: value must be a string." },
        { HEAD "{'key':null}]}", "", "bad: Invalid JSON." },
        { HEAD "[]]}", "", "bad: Invalid Condition: missing operation identifier." },
        { HEAD "['in','$key','a']]}", "", "bad: Invalid Condition: unknown operation 'in'." },
        { HEAD "['eq','$key']]}", "", "bad: Invalid eq: wrong number of arguments." },
        { HEAD "['eq','$key','a','b']]}", "", "bad: Invalid eq: wrong number of arguments." },
        { HEAD "['eq','$key',1]]}", "", "bad: Invalid JSON." },
        { HEAD "['content-length-range',0]]}", "",
          "bad: Invalid content-length-range: wrong number of arguments." },
        { HEAD "['content-length-range',0,512.0]]}", "", "bad: Invalid JSON." },
        { HEAD "['content-length-range',-1,0]]}", "", "bad: Invalid JSON." },
    };
    hold_to(all, VG_COUNT(all));
    vg_auto_arena struct vg_arena *arena = vg_arena_new(0);
    struct s3_form_policy policy;
    struct vg_str why;
    assert_false(s3_form_policy_read(arena, VG_STR("e30"), &policy, &why));
    assert_str(why, "invalid Base64 encoding.");
}

static void
ranges_narrow_each_other(void **state)
{
    (void)state;
    vg_auto_arena struct vg_arena *arena = vg_arena_new(0);
    struct s3_form_policy policy;
    struct vg_str why;
    struct vg_str text = text_of(arena, HEAD "['content-length-range',1,20],"
                                             "['content-length-range',0,10]]}");
    assert_true(s3_form_policy_read(arena, vg_base64_encode(arena, text), &policy, &why));
    assert_int_equal(policy.expires_ms, 1375358400000);
    assert_true(policy.has_range);
    assert_int_equal(policy.min, 1);
    assert_int_equal(policy.max, 10);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forms_are_held_to_conditions),
        cmocka_unit_test(policies_are_read_strictly),
        cmocka_unit_test(ranges_narrow_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
