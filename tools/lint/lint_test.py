# SPDX-License-Identifier: Apache-2.0
"""The rules that look at more than a line find what they are there for, and nothing else."""

import re

import lint
import waits

HEADER = """
vg_rc vg_kv_begin(struct vg_tx **ret) VG_WAITS;
vg_rc vg_tx_commit(struct vg_tx **tx) VG_WAITS VG_MUST_USE;
void vg_tx_abort(struct vg_tx *tx);
void vg_fiber_sleep(int64_t ms) VG_WAITS;
void vg_a_unmarked(void);
void vg_a_marked(struct vg_tx *tx,
                 int n) VG_WAITS;
static inline void
vg_tx_abort_p(struct vg_tx **tx)
{
    vg_tx_abort(*tx);
}
#define vg_auto_tx __attribute__((cleanup(vg_tx_abort_p)))
"""


def found(code, rel="src/services/x/x.c"):
    lint.problems.clear()
    waits.check([lint.File("src/store/kv.h", HEADER), lint.File(rel, code)])
    said = [(line, rule, what) for _, line, rule, what in lint.problems]
    lint.problems.clear()
    return said


def define(head, *body):
    kind, name = re.match(r"(.*?) (\w+\(.*)", head).groups()
    return "\n".join([kind, name, "{", *("    " + line for line in body), "}", ""])


def test_decisions_are_counted_and_a_switch_is_one():
    def complexity(*body):
        lint.problems.clear()
        lint.check_complexity(lint.File("src/services/x/x.c", define("int x_f(int a)", *body)))
        said = [what for _, _, _, what in lint.problems]
        lint.problems.clear()
        return said

    assert not complexity(*["if (a) b();"] * 19)
    assert complexity(*["if (a) b();"] * 20) == ["x_f() has a complexity of 21, at most 20"]
    assert complexity(*["a = b && c || d ? e : f; /* if (a || b) */"] * 7) == ["x_f() has a complexity of 22, at most 20"]
    assert not complexity("switch (a) {", *["case A:"] * 50, "}")


def test_a_caller_of_what_waits_is_marked_though_it_is_a_static_that_waits():
    code = define("static void rest(void)", "vg_fiber_sleep(1);") + define("void vg_a_unmarked(void)", "rest();")
    assert [rule for _, rule, _ in found(code)] == ["waits"]
    assert "vg_a_unmarked() calls rest()" in found(code)[0][2]
    assert not found(code.replace("rest();", "other();"))
    assert not found(define("void vg_a_unmarked(void)", 'log("vg_fiber_sleep(1)"); /* vg_fiber_sleep(1) */'))


def test_an_operation_of_a_service_is_marked_by_the_generator():
    assert not found(define("vg_rc x_do_it(struct vg_req *rq)", "vg_fiber_sleep(1);"))


def test_an_excuse_needs_the_name_of_the_rule():
    call = "vg_fiber_sleep(1); /* lint: {}: before there are fibers */"
    assert not found(define("void vg_a_unmarked(void)", call.format("waits")))
    assert found(define("void vg_a_unmarked(void)", call.format("size")))


def test_nothing_waits_between_begin_and_commit():
    code = define(
        "vg_rc x_do_it(struct vg_req *rq)",
        "vg_fiber_sleep(1);",
        "vg_auto_tx struct vg_tx *tx = NULL;",
        "vg_kv_begin(&tx);",
        "vg_fiber_sleep(2);",
        "vg_tx_commit(&tx);",
        "vg_fiber_sleep(3);",
    )
    assert [line for line, _, _ in found(code)] == [7]


def test_a_transaction_is_over_with_the_block_that_holds_it():
    code = define(
        "vg_rc x_do_it(struct vg_req *rq)",
        "for (;;) {",
        "    vg_auto_tx struct vg_tx *tx = NULL;",
        "    vg_kv_begin(&tx);",
        "    if (n) {",
        "        vg_fiber_sleep(1);",
        "    }",
        "}",
        "vg_fiber_sleep(2);",
    )
    assert [line for line, _, _ in found(code)] == [8]


def test_helpers_that_begin_and_end_a_transaction_are_known():
    begin = define("static vg_rc open_it(struct x *x)", "return vg_kv_begin(&x->tx);")
    end = define("static vg_rc save(struct x *x)", "return vg_tx_commit(&x->tx);")
    use = ["open_it(x);", "vg_fiber_sleep(1);", "save(x);", "vg_fiber_sleep(2);"]
    assert [what.split()[2] for _, _, what in found(begin + end + define("vg_rc x_do_it(int n)", *use))] == [
        "vg_fiber_sleep(),"
    ]


def test_who_is_handed_a_transaction_does_not_wait():
    assert found(define("static void note(struct vg_tx *tx)", "vg_fiber_sleep(1);"))
    assert not found(define("static void note(struct vg_tx **ret)", "vg_fiber_sleep(1);"))
