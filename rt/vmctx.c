/* vmctx.c - where the arrays of a vmctx are, and the helpers' signatures, both read off their tables. */
#include "rt/vmctx.h"

#include <string.h>

static u64 align_up(u64 x, u64 align)
{
    return (x + align - 1) & ~(align - 1);
}

void dv_vmctx_layout(const VmShape *shape, VmLayout *out)
{
    u64 at = VM_HEADER_BYTES;
#define VM_ARRAY(array, count, stride, align) \
    at = align_up(at, (align)); \
    out->array = at; \
    at += (u64)shape->count * (stride);
#include "rt/vmctx.def"
    out->size_bytes = align_up(at, VM_ALIGN);
}

static const char *const helper_names[] = {
#define HELPER(name, result, params) #name,
#include "rt/vm_helpers.def"
};

static const char *const helper_results[] = {
#define HELPER(name, result, params) #result,
#include "rt/vm_helpers.def"
};

/* "(VmCtx *, u32, u64)": C has no other way to walk such a list twice. */
static const char *const helper_params[] = {
#define HELPER(name, result, params) #params,
#include "rt/vm_helpers.def"
};

static u8 type_bits_of(const char *type)
{
    return strncmp(type, "void", 4) == 0 ? 0 : strncmp(type, "u32", 3) == 0 ? 32 : 64;
}

VmHelperInfo dv_vm_helper_info(VmHelper helper)
{
    VmHelperInfo info = {.name = helper_names[helper],
                         .result_bits = type_bits_of(helper_results[helper])};
    for (const char *at = helper_params[helper]; at != NULL; at = strchr(at, ',')) {
        at += strspn(at, "(, ");
        CHECK(info.num_params < VM_HELPER_PARAMS_MAX);
        info.param_bits[info.num_params++] = type_bits_of(at);
    }
    return info;
}
