/* vcode.c - building VCode backwards, and turning it around. */
#include "codegen/mach/vcode.h"

void dv_vcode_init(VCode *v, Arena *arena, const RaMachine *machine)
{
    memset(v, 0, sizeof *v);
    v->arena = arena;
    v->machine = machine;
    v->srcloc = SRCLOC_NONE;
    v->ir_inst = ENTITY_NONE;
    vec_push(arena, &v->clobbers, (RaClobbers){0});
}

VReg dv_vcode_vreg(VCode *v, u32 class)
{
    VReg vreg = {v->vreg_classes.len};
    ASSERT(class < v->machine->num_classes);
    vec_push(v->arena, &v->vreg_classes, (u8) class);
    vec_push(v->arena, &v->vreg_alias, vreg.id);
    return vreg;
}

/* Halves the path, so that long chains of names cost little. */
VReg dv_vcode_resolve(VCode *v, VReg vreg)
{
    u32 *alias = &vec_at(&v->vreg_alias, vreg.id);
    while (*alias != vreg.id) {
        *alias = vec_at(&v->vreg_alias, *alias);
        vreg.id = *alias;
        alias = &vec_at(&v->vreg_alias, vreg.id);
    }
    return vreg;
}

void dv_vcode_set_alias(VCode *v, VReg name, VReg vreg)
{
    vreg = dv_vcode_resolve(v, vreg);
    ASSERT(vec_at(&v->vreg_alias, name.id) == name.id && vreg.id != name.id);
    ASSERT(v->vreg_classes.data[name.id] == v->vreg_classes.data[vreg.id]);
    v->vreg_alias.data[name.id] = vreg.id;
}

u8 dv_vcode_clobbers(VCode *v, const RaClobbers *clobbers)
{
    for (u32 i = 0; i < v->clobbers.len; i++) {
        if (memcmp(&v->clobbers.data[i], clobbers, sizeof *clobbers) == 0) {
            return (u8)i;
        }
    }
    CHECK(v->clobbers.len <= UINT8_MAX);
    vec_push(v->arena, &v->clobbers, *clobbers);
    return (u8)(v->clobbers.len - 1);
}

void dv_vcode_emit(VCode *v, const VInstDraft *draft)
{
    CHECK(draft->num_operands <= VCODE_OPERANDS_MAX);
    RaInst ra = {v->operands.len, (u16)draft->num_operands, draft->clobbers, draft->flags};
    VInst inst = {draft->op, v->imms.len, draft->num_imms, v->srcloc, v->ir_inst};
    for (u32 i = 0; i < draft->num_operands; i++) {
        vec_push(v->arena, &v->operands, draft->operands[i]);
    }
    for (u32 i = 0; i < draft->num_imms; i++) {
        vec_push(v->arena, &v->imms, draft->imms[i]);
    }
    vec_push(v->arena, &v->ra_insts, ra);
    vec_push(v->arena, &v->insts, inst);
}

static void swap_insts(VCode *v, u32 a, u32 b)
{
    RaInst ra = v->ra_insts.data[a];
    VInst inst = v->insts.data[a];
    v->ra_insts.data[a] = v->ra_insts.data[b];
    v->insts.data[a] = v->insts.data[b];
    v->ra_insts.data[b] = ra;
    v->insts.data[b] = inst;
}

static void reverse_insts(VCode *v, u32 first, u32 end)
{
    for (; first + 1 < end; first++) {
        swap_insts(v, first, --end);
    }
}

void dv_vcode_flush(VCode *v)
{
    reverse_insts(v, v->unflushed, v->insts.len);
    v->unflushed = v->insts.len;
}

/* Counts, then places: linear. */
static void fill_preds(VCode *v)
{
    for (u32 i = 0; i < v->succs.len; i++) {
        vec_at(&v->blocks, v->succs.data[i]).num_preds++;
    }
    u32 total = 0;
    for (u32 i = 0; i < v->blocks.len; i++) {
        v->blocks.data[i].preds = total;
        total += v->blocks.data[i].num_preds;
        v->blocks.data[i].num_preds = 0;
    }
    vec_extend(v->arena, &v->preds, total);
    for (u32 i = 0; i < v->blocks.len; i++) {
        for (u32 j = 0; j < v->blocks.data[i].num_succs; j++) {
            RaBlock *succ = &v->blocks.data[v->succs.data[v->blocks.data[i].succs + j]];
            v->preds.data[succ->preds + succ->num_preds++] = i;
        }
    }
}

void dv_vcode_finish(VCode *v, const u32 *begins, RaFunc *out)
{
    u32 total = v->insts.len;
    ASSERT(v->unflushed == total);
    reverse_insts(v, 0, total);
    for (u32 i = 0; i < v->blocks.len; i++) {
        v->blocks.data[i].first = i == 0 ? 0 : total - begins[i - 1];
        v->blocks.data[i].end = total - begins[i];
    }
    for (u32 i = 0; i < v->operands.len; i++) {
        v->operands.data[i].vreg = dv_vcode_resolve(v, v->operands.data[i].vreg);
    }
    for (u32 i = 0; i < v->args.len; i++) {
        v->args.data[i] = dv_vcode_resolve(v, v->args.data[i]);
    }
    fill_preds(v);
    *out = (RaFunc){.machine = v->machine,
                    .insts = v->ra_insts.data,
                    .operands = v->operands.data,
                    .blocks = v->blocks.data,
                    .params = v->params.data,
                    .preds = v->preds.data,
                    .succs = v->succs.data,
                    .edge_args = v->edge_args.data,
                    .args = v->args.data,
                    .vreg_classes = v->vreg_classes.data,
                    .clobbers = v->clobbers.data,
                    .num_insts = v->insts.len,
                    .num_operands = v->operands.len,
                    .num_blocks = v->blocks.len,
                    .num_params = v->params.len,
                    .num_edges = v->succs.len,
                    .num_args = v->args.len,
                    .num_vregs = v->vreg_classes.len,
                    .num_clobbers = v->clobbers.len};
}

static void print_operand(TextBuf *out, const RaOperand *operand)
{
    static const char *const constraints[] = {"", ":reg", ":stack", ":fixed", ":reuse"};
    bool is_def = (operand->flags & RA_DEF) != 0;
    bool is_usual = ((operand->flags & RA_LATE) != 0) == is_def;
    dv_text_printf(out, "%s%s%%%u%s", is_def ? "=" : "",
                   is_usual ? ""
                   : is_def ? "early "
                            : "late ",
                   (unsigned)operand->vreg.id, constraints[operand->constraint]);
    if (operand->constraint == RA_FIXED) {
        dv_text_printf(out, "(%u)", (unsigned)preg_number((PReg){operand->arg}));
    } else if (operand->constraint == RA_REUSE) {
        dv_text_printf(out, "(%u)", (unsigned)operand->arg);
    }
}

void dv_vcode_print(TextBuf *out, const VCode *v, const char *(*name)(u32 op))
{
    for (u32 b = 0; b < v->blocks.len; b++) {
        const RaBlock *block = &v->blocks.data[b];
        dv_text_printf(out, "block%u(", (unsigned)b);
        for (u32 i = 0; i < block->num_params; i++) {
            dv_text_printf(out, "%s%%%u", i == 0 ? "" : ", ",
                           (unsigned)v->params.data[block->params + i].id);
        }
        dv_text_str(out, "):\n");
        for (u32 i = block->first; i < block->end; i++) {
            const RaInst *ra = &v->ra_insts.data[i];
            const VInst *inst = &v->insts.data[i];
            dv_text_printf(out, "    %s", name(inst->op));
            for (u32 j = 0; j < ra->num_operands; j++) {
                dv_text_str(out, j == 0 ? " " : ", ");
                print_operand(out, &v->operands.data[ra->operands + j]);
            }
            for (u32 j = 0; j < inst->num_imms; j++) {
                dv_text_printf(out, " #%lld", (long long)(i64)v->imms.data[inst->imms + j]);
            }
            dv_text_char(out, '\n');
        }
        for (u32 i = 0; i < block->num_succs; i++) {
            u32 succ = v->succs.data[block->succs + i];
            dv_text_printf(out, "    -> block%u(", (unsigned)succ);
            for (u32 j = 0; j < v->blocks.data[succ].num_params; j++) {
                VReg arg = v->args.data[v->edge_args.data[block->succs + i] + j];
                dv_text_printf(out, "%s%%%u", j == 0 ? "" : ", ", (unsigned)arg.id);
            }
            dv_text_str(out, ")\n");
        }
    }
}
