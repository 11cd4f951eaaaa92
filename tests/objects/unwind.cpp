// unwind.cpp - backtraces and C++ exceptions go through code made in memory: frames of every convention, those whose arguments
// the callee takes off the stack, those that made room for a tail call; from C++ to C++ and through C++ in between.
#include <davit/codegen.h>
#include <unwind.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace
{

void check(bool ok, const std::string &what)
{
    if (!ok) {
        std::printf("fail: %s\n", what.c_str());
        std::exit(1);
    }
}

// ---- the host: what code calls ----

struct Thrown {
    int64_t value;
};

enum class Mode { Return, Walk, Throw, Nest };
Mode mode;
int64_t skip;      // calls of the host that return before the one that does what the mode says
int64_t destroyed; // objects of frames that an exception went through
std::vector<uintptr_t> starts;

typedef int64_t Function(int64_t);
Function *nested;

_Unwind_Reason_Code on_frame(struct _Unwind_Context *context, void *)
{
    starts.push_back(_Unwind_GetRegionStart(context));
    return starts.size() < 1000 ? _URC_NO_REASON : _URC_END_OF_STACK;
}

struct Counts {
    ~Counts()
    {
        destroyed++;
    }
};

int64_t host(int64_t x)
{
    if (skip-- != 0) {
        return x + 1;
    }
    switch (mode) {
    case Mode::Walk:
        starts.clear();
        _Unwind_Backtrace(on_frame, nullptr);
        return x + 1;
    case Mode::Throw:
        throw Thrown{x};
    case Mode::Nest: {
        Counts counts;
        mode = Mode::Throw;
        skip = 0;
        return nested(x + 100);
    }
    default:
        return x + 1;
    }
}

void *look_up(void *, const char *name)
{
    return std::strcmp(name, "host") == 0 ? reinterpret_cast<void *>(&host) : nullptr;
}

// ---- the code ----

enum { ARGS = 12 };

std::string list(const char *item, int count, bool numbered)
{
    std::string text;
    for (int i = 0; i < count; i++) {
        text += (i == 0 ? "" : ", ") + std::string(item) + (numbered ? std::to_string(i) : "");
    }
    return text;
}

// inner: integers and floats, more than registers take; calls the host, and adds up the integers.
std::string inner(const std::string &conv)
{
    std::string text = "function %inner(" + list("i64", ARGS, false) + ", " +
                       list("f64", ARGS, false) + ") -> i64 " + conv +
                       " {\nfn0 = %host(i64) -> i64 system_v\nblock0(";
    for (int i = 0; i < 2 * ARGS; i++) {
        text += (i == 0 ? "v" : ", v") + std::to_string(i) + (i < ARGS ? ": i64" : ": f64");
    }
    text += "):\nv100 = call fn0(v0)\n";
    for (int i = 1; i < ARGS; i++) {
        text += "v" + std::to_string(100 + i) + " = iadd v" + std::to_string(99 + i) + ", v" +
                std::to_string(i) + "\n";
    }
    return text + "return v" + std::to_string(99 + ARGS) + "\n}\n";
}

// Calls the host itself, then inner, by an instruction that may be a tail call.
std::string caller(const std::string &name, const std::string &conv, const std::string &inner_conv,
                   const std::string &call)
{
    std::string text = "function %" + name + "(i64) -> i64 " + conv +
                       " {\nfn0 = %host(i64) -> i64 system_v\nfn1 = %inner(" +
                       list("i64", ARGS, false) + ", " + list("f64", ARGS, false) + ") -> i64 " +
                       inner_conv +
                       "\nblock0(v0: i64):\nv1 = call fn0(v0)\nv2 = f64const 0x1.0p3\n";
    std::string args =
        "fn1(v1, " + list("v1", ARGS - 1, false) + ", " + list("v2", ARGS, false) + ")\n";
    return text +
           (call == "call" ? "v3 = call " + args + "return v3\n}\n" : call + " " + args + "}\n");
}

// outer: what C++ calls.
std::string outer(const std::string &conv)
{
    return "function %outer(i64) -> i64 system_v {\nfn0 = %middle(i64) -> i64 " + conv +
           "\nblock0(v0: i64):\nv1 = call fn0(v0)\nreturn v1\n}\n";
}

struct Code {
    davit_context_t *context;
    davit_module_t *module;
    davit_native_t *native;

    Code(const std::string &conv, const std::string &call, bool fast)
    {
        std::string text = inner(conv) + caller("middle", conv, conv, call) + outer(conv);
        davit_native_options_t options = {};
        options.fast = fast;
        check(davit_context_new(nullptr, &context) == DAVIT_OK, "a context");
        check(davit_module_new(context, &module) == DAVIT_OK, "a module");
        check(davit_native_new(context, &options, &native) == DAVIT_OK, "a native module");
        bool ok = davit_module_parse(module, text.data(), text.size()) == DAVIT_OK;
        for (size_t i = 0; ok && i < davit_module_count(module); i++) {
            ok = davit_native_define_func(native, davit_module_get(module, i), DAVIT_LINK_EXPORT) ==
                 DAVIT_OK;
        }
        ok = ok && davit_native_link(native, look_up, nullptr) == DAVIT_OK;
        check(ok, conv + ": " + (ok ? "" : davit_error_get(context, 0)->message));
    }
    ~Code()
    {
        davit_native_free(native);
        davit_module_free(module);
        davit_context_free(context);
    }
    Code(const Code &) = delete;

    uintptr_t start(const char *name) const
    {
        return reinterpret_cast<uintptr_t>(davit_native_address(native, name));
    }
    Function *function() const
    {
        return reinterpret_cast<Function *>(start("outer"));
    }
};

// ---- trying it ----

bool is_caller(uintptr_t start)
{
    for (uintptr_t s : starts) {
        if (s == start) {
            return true;
        }
    }
    return false;
}

__attribute__((noinline)) void walk(const Code &code, const std::string &what, bool is_tail)
{
    for (int64_t at = 0; at < 2; at++) {
        mode = Mode::Walk;
        skip = at;
        check(code.function()(1) == 3 + (ARGS - 1) * 2, what + ": what comes back");
        check(is_caller(code.start("outer")), what + ": outer is on the stack");
        check(is_caller(code.start("middle")) == (at == 0 || !is_tail),
              what + ": middle is on the stack");
        check(is_caller(code.start("inner")) == (at == 1), what + ": inner is on the stack");
        check(is_caller(reinterpret_cast<uintptr_t>(&walk)), what + ": C++ is on the stack");
    }
}

__attribute__((noinline)) void catches(const Code &code, const std::string &what)
{
    for (int64_t at = 0; at < 2; at++) {
        // In registers that are given back, if the compiler likes.
        int64_t a = at * 3, b = at + 5, c = at ^ 9, caught = 0;
        mode = Mode::Throw;
        skip = at;
        try {
            code.function()(a + b);
        } catch (const Thrown &thrown) {
            caught = thrown.value;
        }
        check(caught == at * 4 + 5 + at && a == at * 3 && b == at + 5 && c == (at ^ 9),
              what + ": an exception");
    }
}

// C++, code, C++ with something to destroy, code, C++.
__attribute__((noinline)) void nests(const Code &code, const std::string &what)
{
    int64_t caught = 0;
    mode = Mode::Nest;
    skip = 0;
    destroyed = 0;
    nested = code.function();
    try {
        code.function()(7);
    } catch (const Thrown &thrown) {
        caught = thrown.value;
    }
    check(caught == 107 && destroyed == 1, what + ": an exception through both");
    mode = Mode::Return;
    check(code.function()(1) == 3 + (ARGS - 1) * 2, what + ": goes on");
}

} // namespace

int main()
{
    static const struct {
        const char *conv, *call;
    } rows[] = {{"system_v", "call"},     {"fast", "call"},        {"windows_fastcall", "call"},
                {"preserve_all", "call"}, {"tail", "call"},        {"tail", "return_call"},
                {"winch", "call"},        {"winch", "return_call"}};
    for (const auto &row : rows) {
        for (int fast = 0; fast < 2; fast++) {
            std::string what = std::string(row.conv) + ", " + row.call + (fast ? ", fast" : "");
            Code code(row.conv, row.call, fast != 0);
            walk(code, what, std::strcmp(row.call, "call") != 0);
            catches(code, what);
            nests(code, what);
        }
    }
    std::puts("ok");
    return 0;
}
