/* gen.c - the generator of functions: where choices come from, signatures, preambles, and the order in which
 * functions are written: the last first, since they are called by the ones before.
 *
 * Every function declares all others it may call and, in a file with runtime entities, all entities, so
 * that any of them sets up the instance.
 */
#include "tools/gen_internal.h"

enum { MANY_PARAMS = 50 /* more than engines keep in registers and windows */ };

/* ---- Choices ---- */

void dv_gen_seed(GenSource *source, u64 seed)
{
    *source = (GenSource){.at = NULL};
    dv_rng_seed(&source->rng, seed);
}

void dv_gen_bytes(GenSource *source, const u8 *bytes, usize size)
{
    static const u8 none[1];
    *source = (GenSource){.at = size == 0 ? none : bytes};
    source->end = source->at + size;
}

u32 dv_gen_choose(Gen *g, u32 n)
{
    GenSource *s = g->source;
    if (s->at == NULL) {
        return (u32)dv_rng_below(&s->rng, n);
    }
    u32 x = s->at < s->end ? *s->at++ : 0;
    if (n > 256) {
        x |= s->at < s->end ? (u32)*s->at++ << 8 : 0;
    }
    return x % n;
}

bool dv_gen_done(const Gen *g)
{
    return g->source->at != NULL && g->source->at == g->source->end;
}

u64 dv_gen_u64(Gen *g)
{
    if (g->source->at == NULL) {
        return dv_rng_spread(&g->source->rng);
    }
    u64 x = 0;
    for (u32 i = 0; i < 8; i++) {
        x = x << 8 | dv_gen_choose(g, 256);
    }
    return x;
}

bool dv_gen_chance(Gen *g, u32 odds)
{
    return dv_gen_choose(g, odds) == odds - 1;
}

/* ---- Types ---- */

static const Type scalar_types[] = {TYPE_I8,  TYPE_I16, TYPE_I32, TYPE_I64, TYPE_I128,
                                    TYPE_F16, TYPE_F32, TYPE_F64, TYPE_F128};
/* Some of each shape: small, of 128 bits, larger, dynamic. */
static const Type vector_types[] = {TYPE_I8X8,
                                    TYPE_I16X4,
                                    TYPE_I32X2,
                                    TYPE_F32X2,
                                    TYPE_I8X16,
                                    TYPE_I16X8,
                                    TYPE_I32X4,
                                    TYPE_I64X2,
                                    TYPE_F16X8,
                                    TYPE_F32X4,
                                    TYPE_F64X2,
                                    TYPE_MAKE(LANE_I8, 1),
                                    TYPE_MAKE(LANE_I16, 1),
                                    TYPE_MAKE(LANE_I64, 2),
                                    TYPE_MAKE(LANE_F64, 2),
                                    TYPE_MAKE(LANE_I128, 1),
                                    TYPE_MAKE(LANE_F128, 1),
                                    TYPE_I8X16 | TYPE_DYNAMIC_BIT,
                                    TYPE_I16X8 | TYPE_DYNAMIC_BIT,
                                    TYPE_I32X4 | TYPE_DYNAMIC_BIT,
                                    TYPE_I64X2 | TYPE_DYNAMIC_BIT,
                                    TYPE_F32X4 | TYPE_DYNAMIC_BIT,
                                    TYPE_F64X2 | TYPE_DYNAMIC_BIT};

Type dv_gen_address(const Gen *g)
{
    return g->options->address_bits == 32 ? TYPE_I32 : TYPE_I64;
}

Type dv_gen_type(const Gen *g, u32 n)
{
    if (n < ARRAY_LEN(scalar_types)) {
        return scalar_types[n];
    }
    n -= (u32)ARRAY_LEN(scalar_types);
    return g->options->vectors && n < ARRAY_LEN(vector_types) ? vector_types[n] : TYPE_NONE;
}

Type dv_gen_some_type(Gen *g)
{
    u32 count = (u32)ARRAY_LEN(scalar_types);
    if (g->options->vectors && dv_gen_chance(g, 4)) {
        return vector_types[dv_gen_choose(g, ARRAY_LEN(vector_types))];
    }
    return scalar_types[dv_gen_choose(g, count)];
}

Type dv_gen_int_type(Gen *g)
{
    return scalar_types[dv_gen_choose(g, 5)];
}

void dv_gen_write_type(TextBuf *out, Type type)
{
    char name[16];
    dv_text_str(out, dv_type_name(type, name));
}

/* ---- Entities, the same in every function ---- */

u32 dv_gen_heap_bytes(u32 heap)
{
    return heap == 2 ? 100 : 65536;
}

Type dv_gen_heap_index(u32 heap)
{
    return heap == 1 ? TYPE_I64 : TYPE_I32;
}

Type dv_gen_table_index(u32 table)
{
    return table == 2 ? TYPE_I64 : TYPE_I32;
}

Type dv_gen_global_type(u32 global)
{
    return global < ARRAY_LEN(scalar_types) ? scalar_types[global] : TYPE_I8X16;
}

u32 dv_gen_num_globals(const Gen *g)
{
    return g->options->vectors ? GEN_GLOBALS : GEN_GLOBALS - 1;
}

static void write_entities(Gen *g, TextBuf *out)
{
    dv_text_str(out, "    heap0 = memory 0, index i32, min 1, max 3, page 0x10000\n"
                     "    heap1 = memory 1, index i64, min 1, max 2, page 0x10000, shared\n"
                     "    heap2 = memory 2, index i32, min 100, max 300, page 1\n"
                     "    table0 = table 0, index i32, min 16, funcref\n"
                     "    table1 = table 1, index i32, min 16, max 40, funcref\n"
                     "    table2 = table 2, index i64, min 16, max 40, funcref\n");
    for (u32 i = 0; i < dv_gen_num_globals(g); i++) {
        dv_text_printf(out, "    global%u = global %u, ", (unsigned)i, (unsigned)i);
        dv_gen_write_type(out, dv_gen_global_type(i));
        dv_text_str(out, ", mutable\n");
    }
    dv_text_str(out,
                "    data0 = data 0\n    data1 = data 1\n    elem0 = elem 0\n    elem1 = elem 1\n"
                "    sig98 = () tail\n    type98 = func (), sig98\n    tag0 = tag 0, type98\n"
                "    sig99 = (i32, i64) tail\n    type99 = func (i32, i64), sig99\n"
                "    tag1 = tag 1, type99\n");
}

/* ---- Signatures ---- */

static Type choose_wasm_type(Gen *g)
{
    static const Type types[] = {TYPE_I32, TYPE_I64, TYPE_F32, TYPE_F64};
    return types[dv_gen_choose(g, ARRAY_LEN(types))];
}

static u32 choose_types(Gen *g, const GenSig *sig, Type *types, u32 most, u32 odds)
{
    u32 count = dv_gen_choose(g, most);
    count += dv_gen_chance(g, odds) ? MANY_PARAMS - 4 + dv_gen_choose(g, 20) : 0;
    for (u32 i = 0; i < count; i++) {
        types[i] = sig->is_wasm ? choose_wasm_type(g) : dv_gen_some_type(g);
    }
    return count;
}

/* Pointers that the caller vouches for: sret, to where something is to be put, in front as C has it, and then perhaps nothing else
 * is returned; sarg, to what the callee gets a copy of. The first function is not called with such, nor any that uses
 * entities, where machine code passes no structures. */
static void choose_pointers(Gen *g, u32 number)
{
    static const u8 sizes[] = {16, 8, 24, 64, 1, 13, 40};
    GenSig *sig = &g->funcs[number].sig;
    if (sig->parts != GEN_PLAIN || number == 0 || dv_gen_choose(g, 2) == 0) {
        return;
    }
    sig->has_pointers = true;
    sig->num_params += sig->num_params == 0;
    for (u32 i = dv_gen_choose(g, 3); i-- > 0;) {
        u32 n = dv_gen_choose(g, sig->num_params);
        sig->params[n] = dv_gen_address(g);
        sig->purposes[n] = PURPOSE_SARG;
        sig->sarg_bytes[n] = sizes[dv_gen_choose(g, ARRAY_LEN(sizes))];
    }
    if (sig->purposes[0] == PURPOSE_NORMAL) {
        sig->params[0] = dv_gen_address(g);
        sig->purposes[0] = PURPOSE_SRET;
        sig->num_results = dv_gen_choose(g, 2) == 0 ? 0 : sig->num_results;
    }
}

bool dv_gen_is_sret(const GenSig *sig)
{
    return sig->purposes[0] == PURPOSE_SRET;
}

/* In a file with entities machine code hands a vmctx over in place of the first conventions, but of no others: these are for functions
 * that use no entities. */
static CallConv choose_conv(Gen *g, const GenSig *sig)
{
    static const CallConv convs[] = {CC_tail,  CC_fast,  CC_system_v,         CC_tail,
                                     CC_winch, CC_winch, CC_windows_fastcall, CC_preserve_all};
    u32 half = (u32)ARRAY_LEN(convs) / 2;
    if ((sig->parts & GEN_ENTITIES) != 0) {
        return convs[dv_gen_choose(g, half)];
    }
    return (g->parts & GEN_ENTITIES) != 0 ? convs[half + dv_gen_choose(g, half)]
                                          : convs[dv_gen_choose(g, 2 * half)];
}

/* Half of the signatures return what another one does, so that tail calls are possible. */
static void choose_sig(Gen *g, u32 number)
{
    GenSig *sig = &g->funcs[number].sig;
    sig->is_wasm = (g->parts & GEN_ENTITIES) != 0 && dv_gen_choose(g, 2) == 0;
    bool is_plain = g->parts == (GEN_PLAIN | GEN_ENTITIES) && !sig->is_wasm && dv_gen_chance(g, 2);
    sig->parts = is_plain ? GEN_PLAIN : g->parts;
    sig->conv = sig->is_wasm ? CC_wasm : choose_conv(g, sig);
    sig->num_params = choose_types(g, sig, sig->params, 7, 20);
    sig->num_results = choose_types(g, sig, sig->results, 4, 30);
    if (sig->conv == CC_system_v && sig->num_results > 1) {
        sig->num_results = 1;
    }
    if (sig->num_results == 0) {
        sig->results[sig->num_results++] = TYPE_I64; /* what is computed must go somewhere */
    }
    if (number + 1 < g->num_funcs && dv_gen_choose(g, 2) == 1) {
        const GenSig *other =
            &g->funcs[number + 1 + dv_gen_choose(g, g->num_funcs - number - 1)].sig;
        if (other->is_wasm == sig->is_wasm && other->parts == sig->parts &&
            other->num_results != 0) {
            sig->conv = other->conv;
            sig->num_results = other->num_results;
            memcpy(sig->results, other->results, sizeof sig->results);
        }
    }
    if (dv_gen_choose(g, 3) == 0 && sig->num_params > 0) {
        sig->params[0] = TYPE_I32; /* may be the counter of a recursion */
    }
    choose_pointers(g, number);
    for (u32 i = 0; i < sig->num_params; i++) {
        bool narrow = type_is_int(sig->params[i]) && type_bits(sig->params[i]) < 64 &&
                      sig->purposes[i] == PURPOSE_NORMAL;
        sig->extensions[i] = (u8)(narrow && !sig->is_wasm ? dv_gen_choose(g, 3) : EXT_NONE);
    }
}

static void write_types(TextBuf *out, const Type *types, u32 count)
{
    for (u32 i = 0; i < count; i++) {
        dv_text_str(out, i == 0 ? "" : ", ");
        dv_gen_write_type(out, types[i]);
    }
}

static void write_params(TextBuf *out, const GenSig *sig)
{
    static const char *const words[] = {"", " uext", " sext"};
    for (u32 i = 0; i < sig->num_params; i++) {
        dv_text_str(out, i == 0 ? "" : ", ");
        dv_gen_write_type(out, sig->params[i]);
        dv_text_str(out, words[sig->extensions[i]]);
        if (sig->purposes[i] == PURPOSE_SARG) {
            dv_text_printf(out, " sarg(%u)", (unsigned)sig->sarg_bytes[i]);
        }
        dv_text_str(out, sig->purposes[i] == PURPOSE_SRET ? " sret" : "");
    }
}

static void write_arrow(TextBuf *out, const GenSig *sig)
{
    dv_text_char(out, ')');
    if (sig->num_results != 0) {
        dv_text_str(out, " -> ");
        write_types(out, sig->results, sig->num_results);
    }
}

void dv_gen_write_sig(TextBuf *out, const GenSig *sig)
{
    dv_text_char(out, '(');
    write_params(out, sig);
    write_arrow(out, sig);
    dv_text_printf(out, " %s", dv_callconv_names[sig->conv]);
}

/* ---- Functions ---- */

static void write_callee(Gen *g, TextBuf *out, u32 number)
{
    const GenSig *sig = &g->funcs[number].sig;
    dv_text_printf(out, "    sig%u = ", (unsigned)number);
    dv_gen_write_sig(out, sig);
    dv_text_printf(out, "\n    fn%u = %s%%f%u sig%u\n", (unsigned)number,
                   number % 2 == 0 ? "colocated " : "", (unsigned)number, (unsigned)number);
    if ((g->parts & GEN_ENTITIES) != 0 && sig->is_wasm) {
        dv_text_printf(out, "    type%u = func (", (unsigned)number);
        write_types(out, sig->params, sig->num_params);
        write_arrow(out, sig);
        dv_text_printf(out, ", sig%u\n    func%u = define %%f%u type%u\n", (unsigned)number,
                       (unsigned)number, (unsigned)number, (unsigned)number);
    }
}

static void write_preamble(Gen *g, TextBuf *out)
{
    if ((g->parts & GEN_PLAIN) != 0) {
        dv_text_printf(
            out,
            "    ss0 = explicit_slot %u, align = 16\n    ss1 = explicit_slot %u, align = 16\n"
            "    region0 = 0 \"cells\"\n    region1 = 1 \"bytes\"\n",
            (unsigned)GEN_SLOT_CELLS, (unsigned)GEN_SLOT_BYTES);
    }
    if (g->options->vectors && (g->parts & GEN_PLAIN) != 0) {
        dv_text_str(out, "    gv0 = symbol colocated %data+8\n    gv1 = symbol tls %local\n"
                         "    gv2 = dyn_scale_target_const.i32x4\n    dt0 = i32x4*gv2\n"
                         "    dss0 = explicit_dynamic_slot dt0\n");
    }
    for (u32 i = g->func; i < g->num_funcs; i++) {
        write_callee(g, out, i);
    }
    if ((g->parts & GEN_ENTITIES) != 0) {
        write_entities(g, out);
    }
}

static void write_function(Gen *g)
{
    GenFunc *f = &g->funcs[g->func];
    u32 parts = g->parts;
    TextBuf text;
    dv_text_init(&text, g->arena);
    dv_text_init(&g->out, g->arena);
    dv_text_init(&g->line, g->arena);
    g->parts = f->sig.parts;
    dv_gen_weigh(g);
    dv_gen_body(g);
    g->parts = parts;
    dv_text_printf(&text, "function %%f%u", (unsigned)g->func);
    dv_gen_write_sig(&text, &f->sig);
    dv_text_str(&text, " {\n");
    write_preamble(g, &text);
    dv_text_bytes(&text, g->out.data, g->out.length);
    dv_text_str(&text, "}\n");
    f->text = text.data;
    f->cost = g->cost;
}

static void write_functions(Gen *g)
{
    g->parts = g->options->parts;
    if (g->parts == 0) {
        static const u8 parts[] = {GEN_PLAIN, GEN_ENTITIES, GEN_PLAIN | GEN_ENTITIES};
        g->parts = parts[dv_gen_choose(g, ARRAY_LEN(parts))];
    }
    g->num_funcs = g->options->num_funcs != 0 ? g->options->num_funcs : 1 + dv_gen_choose(g, 5);
    for (u32 i = g->num_funcs; i-- > 0;) {
        choose_sig(g, i);
    }
    for (g->func = g->num_funcs; g->func-- > 0;) {
        write_function(g);
    }
}

void dv_gen_clif(TextBuf *out, GenSource *source, const GenOptions *options)
{
    Gen *g = ARENA_NEW(out->arena, Gen);
    g->source = source;
    g->options = options;
    g->arena = out->arena;
    write_functions(g);
    for (u32 i = 0; i < g->num_funcs; i++) {
        dv_text_str(out, g->funcs[i].text);
    }
}

bool dv_gen_file(TextBuf *out, GenSource *source, const GenOptions *options, const char *header,
                 const char **error)
{
    Gen *g = ARENA_NEW(out->arena, Gen);
    g->source = source;
    g->options = options;
    g->arena = out->arena;
    write_functions(g);
    return dv_gen_runs(g, out, header, error);
}

const char *dv_gen_left_out(Op op)
{
    const char *reason = dv_gen_reason(op);
    return reason[0] == '\0' ? NULL : reason;
}
