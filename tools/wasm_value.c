/* wasm_value.c - values of Wasm as words of a command line and in what is printed. */
#include "tools/wasm_value.h"

#include <errno.h>
#include <stdlib.h>

static bool read_int(const char *text, bool is_64, u64 *out)
{
    char *end;
    bool is_negative = text[0] == '-';
    const char *digits = text + (is_negative || text[0] == '+');
    u64 most = is_64 ? UINT64_MAX : UINT32_MAX;
    u64 least = is_64 ? (u64)1 << 63 : (u64)1 << 31;
    if (digits[0] < '0' || digits[0] > '9' || strlen(digits) > 20) {
        return false;
    }
    errno = 0;
    u64 number = strtoull(digits, &end, digits[1] == 'x' || digits[1] == 'X' ? 16 : 10);
    *out = is_negative ? (0 - number) & most : number;
    return *end == '\0' && errno == 0 && number <= (is_negative ? least : most);
}

static bool read_float(const char *text, bool is_double, u64 *out)
{
    char *end;
    if (is_double) {
        double x = strtod(text, &end);
        memcpy(out, &x, 8);
    } else {
        float x = strtof(text, &end);
        u32 bits;
        memcpy(&bits, &x, 4);
        *out = bits;
    }
    return end != text && *end == '\0';
}

bool dv_wasm_value_read(const char *text, ValType type, RtVal *out)
{
    *out = (RtVal){0, 0};
    switch (type) {
    case VT_I32:
    case VT_I64:
        return read_int(text, type == VT_I64, &out->lo);
    case VT_F32:
    case VT_F64:
        return read_float(text, type == VT_F64, &out->lo);
    default:
        return vt_is_ref(type) && (type & VT_NULL) != 0 && strcmp(text, "null") == 0;
    }
}

void dv_wasm_value_print(TextBuf *out, RtVal value, ValType type)
{
    float single;
    double wide;
    u32 bits = (u32)value.lo;
    switch (type) {
    case VT_I32:
        dv_text_printf(out, "%" PRId32, (i32)bits);
        break;
    case VT_I64:
        dv_text_printf(out, "%" PRId64, (i64)value.lo);
        break;
    case VT_F32:
        memcpy(&single, &bits, 4);
        dv_text_printf(out, "%.9g", (double)single);
        break;
    case VT_F64:
        memcpy(&wide, &value.lo, 8);
        dv_text_printf(out, "%.17g", wide);
        break;
    case VT_V128:
        dv_text_printf(out, "0x%016" PRIx64 "%016" PRIx64, value.hi, value.lo);
        break;
    default:
        if (bits == 0) {
            dv_text_str(out, "null");
        } else {
            dv_text_printf(out, "reference %" PRIu32, bits);
        }
        break;
    }
}
