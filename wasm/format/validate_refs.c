/* validate_refs.c - the validator of instructions on references, tables and aggregates.
 *
 * Source: specification 3.0, "Validation", reference, table and aggregate instructions, and the
 * proposal of custom descriptors. With custom descriptors the type of what an instruction allocates
 * is exact: not a subtype's.
 */
#include "wasm/format/validate.h"

/* ---- parts ---- */

static ValType nullable(ValType type)
{
    return type | VT_NULL;
}

static ValType exact_bit(const Validator *v)
{
    return dv_wasm_has(&v->reader, FEATURE_custom_descriptors) ? VT_EXACT : 0;
}

static ValType abstract_ref(u32 heap)
{
    return VT_REF | VT_ABSTRACT | heap;
}

/* Of a field as an operand. */
static ValType unpacked(ValType type)
{
    return type == VT_I8 || type == VT_I16 ? VT_I32 : type;
}

static bool is_defaultable(ValType type)
{
    return !vt_is_ref(type) || (type & VT_NULL) != 0;
}

/* The nullable reference above all those that compare with this one. */
static ValType top_of(const Validator *v, ValType type)
{
    u32 heap = type & VT_INDEX;
    if (vt_is_indexed(type)) {
        heap = v->module->types.data[heap].kind == COMP_FUNC ? HEAP_FUNC : HEAP_ANY;
    }
    switch (heap) {
    case HEAP_FUNC:
    case HEAP_NOFUNC:
        return VT_FUNCREF;
    case HEAP_EXTERN:
    case HEAP_NOEXTERN:
        return VT_EXTERNREF;
    case HEAP_EXN:
    case HEAP_NOEXN:
        return VT_EXNREF;
    default:
        return nullable(abstract_ref(HEAP_ANY));
    }
}

static bool find_table(Validator *v, u32 index, const TableDecl **out)
{
    if (index >= v->module->tables.len) {
        return dv_validator_fail(v, "unknown table %u", (unsigned)index);
    }
    *out = &v->module->tables.data[index];
    return true;
}

static bool find_elem(Validator *v, u32 index, const ElemDecl **out)
{
    if (index >= v->module->elems.len) {
        return dv_validator_fail(v, "unknown elem segment %u", (unsigned)index);
    }
    *out = &v->module->elems.data[index];
    return true;
}

static bool check_data(Validator *v, u32 index)
{
    if (!v->module->has_data_count) {
        return dv_wasm_fail(&v->reader, v->reader.start, true, "data count section required");
    }
    return index < v->module->datas.len ||
           dv_validator_fail(v, "unknown data segment %u", (unsigned)index);
}

static bool fail_types(Validator *v, const char *what, ValType a, ValType b)
{
    return dv_validator_fail(v, "%s: %s and %s", what, dv_validator_type_text(v, a),
                             dv_validator_type_text(v, b));
}

/* ---- references ---- */

static bool check_ref_func(Validator *v, const WasmInst *inst)
{
    WasmModule *m = v->module;
    if (inst->index >= m->funcs.len) {
        return dv_validator_fail(v, "unknown function %u", (unsigned)inst->index);
    }
    FuncDecl *func = &m->funcs.data[inst->index];
    if (v->is_constant) {
        func->is_declared = true;
    } else if (!func->is_declared) {
        return dv_validator_fail(v, "undeclared function reference %u", (unsigned)inst->index);
    }
    return dv_validator_push(v, VT_REF | (func->is_exact ? exact_bit(v) : 0) | func->type);
}

static bool check_ref_eq(Validator *v)
{
    ValType eq = nullable(abstract_ref(HEAP_EQ));
    return dv_validator_pop(v, eq) && dv_validator_pop(v, eq) && dv_validator_push(v, VT_I32);
}

static bool check_br_on_null(Validator *v, u32 label)
{
    ControlFrame *frame;
    const ValType *types;
    ValType ref;
    if (!dv_validator_find_label(v, label, &frame) || !dv_validator_pop_ref(v, &ref)) {
        return false;
    }
    u32 count = dv_label_types(frame, &types);
    return dv_validator_pop_list(v, types, count) && dv_validator_push_list(v, types, count) &&
           dv_validator_push(v, ref & ~VT_NULL);
}

/* The label's types, the last of which is a reference. */
static bool find_ref_label(Validator *v, u32 label, const ValType **types, u32 *count)
{
    ControlFrame *frame;
    if (!dv_validator_find_label(v, label, &frame)) {
        return false;
    }
    *count = dv_label_types(frame, types);
    return (*count != 0 && vt_is_ref((*types)[*count - 1])) ||
           dv_validator_fail(v, "type mismatch: label %u takes no reference", (unsigned)label);
}

static bool check_br_on_non_null(Validator *v, u32 label)
{
    const ValType *types;
    u32 count;
    return find_ref_label(v, label, &types, &count) &&
           dv_validator_pop(v, nullable(types[count - 1])) &&
           dv_validator_pop_list(v, types, count - 1) &&
           dv_validator_push_list(v, types, count - 1);
}

/* extern.convert_any and its inverse keep whether the reference may be null. */
static bool check_convert(Validator *v, u32 from, u32 to)
{
    ValType ref;
    if (!dv_validator_pop_ref(v, &ref)) {
        return false;
    }
    ValType wanted = nullable(abstract_ref(from));
    if (!dv_wasm_is_subtype(v->module, ref, wanted)) {
        return fail_types(v, "type mismatch: instruction requires the first of", wanted, ref);
    }
    return dv_validator_push(v, abstract_ref(to) | (ref & VT_NULL));
}

/* ---- casts ---- */

static bool check_ref_test(Validator *v, const WasmInst *inst)
{
    return dv_validator_check_type(v, inst->type) && dv_validator_pop(v, top_of(v, inst->type)) &&
           dv_validator_push(v, VT_I32);
}

/* Pops the descriptor of a cast to this type. */
static bool pop_descriptor(Validator *v, ValType target)
{
    u32 index = target & VT_INDEX;
    if (!vt_is_indexed(target)) {
        TextBuf text;
        dv_text_init(&text, v->diag->arena);
        dv_wasm_print_type(&text, target & ~VT_NULL);
        /* "(ref any)" without what is around the heap type */
        return dv_validator_fail(v, "type %.*s does not have a descriptor", (int)text.length - 6,
                                 text.data + 5);
    }
    const SubType *type = &v->module->types.data[index];
    if (!type->has_descriptor) {
        return dv_validator_fail(v, "type %u does not have a descriptor", (unsigned)index);
    }
    return dv_validator_pop(v, VT_REF | VT_NULL | (target & VT_EXACT) | type->descriptor);
}

static bool check_ref_cast(Validator *v, const WasmInst *inst, bool has_descriptor)
{
    return dv_validator_check_type(v, inst->type) &&
           (!has_descriptor || pop_descriptor(v, inst->type)) &&
           dv_validator_pop(v, top_of(v, inst->type)) && dv_validator_push(v, inst->type);
}

static bool check_br_on_cast(Validator *v, const WasmInst *inst)
{
    bool has_descriptor = inst->op == W_br_on_cast_desc_eq || inst->op == W_br_on_cast_desc_eq_fail;
    bool on_fail = inst->op == W_br_on_cast_fail || inst->op == W_br_on_cast_desc_eq_fail;
    const ValType *types;
    u32 count;
    ValType from = inst->type;
    ValType to = inst->type2;
    if (!dv_validator_check_type(v, from) || !dv_validator_check_type(v, to) ||
        !find_ref_label(v, inst->index, &types, &count)) {
        return false;
    }
    /* custom descriptors allow any two types that compare */
    bool comparable = exact_bit(v) != 0 ? top_of(v, to) == top_of(v, from)
                                        : dv_wasm_is_subtype(v->module, to, from);
    if (!comparable) {
        return fail_types(v, "type mismatch: cast to what is no subtype", to, from);
    }
    if (has_descriptor && !pop_descriptor(v, to)) {
        return false;
    }
    /* What fails the cast is not null if nulls pass it. */
    ValType rest = (to & VT_NULL) != 0 ? from & ~VT_NULL : from;
    ValType branch = on_fail ? rest : to;
    if (!dv_wasm_is_subtype(v->module, branch, types[count - 1])) {
        return fail_types(v, "type mismatch: the label takes another type", types[count - 1],
                          branch);
    }
    return dv_validator_pop(v, from) && dv_validator_pop_list(v, types, count - 1) &&
           dv_validator_push_list(v, types, count - 1) && dv_validator_push(v, on_fail ? to : rest);
}

/* ---- structures ---- */

static bool check_descriptor_use(Validator *v, const SubType *type, bool is_given)
{
    if (is_given && !type->has_descriptor) {
        return dv_validator_fail(v, "type without descriptor requires non-descriptor allocation");
    }
    return is_given || !type->has_descriptor ||
           dv_validator_fail(v, "type with descriptor requires descriptor allocation");
}

static bool check_struct_new(Validator *v, const WasmInst *inst)
{
    bool is_default = inst->op == W_struct_new_default || inst->op == W_struct_new_default_desc;
    bool has_descriptor = inst->op == W_struct_new_desc || inst->op == W_struct_new_default_desc;
    const SubType *type;
    if (!dv_validator_find_type(v, inst->index, COMP_STRUCT, &type) ||
        !check_descriptor_use(v, type, has_descriptor) ||
        (has_descriptor && !dv_validator_pop(v, VT_REF | VT_NULL | VT_EXACT | type->descriptor))) {
        return false;
    }
    for (u32 i = type->num_fields; i != 0; i--) {
        ValType field = type->fields[i - 1].type;
        if (is_default && !is_defaultable(field)) {
            return dv_validator_fail(v, "type mismatch: field %u of type %u has no default value",
                                     (unsigned)(i - 1), (unsigned)inst->index);
        }
        if (!is_default && !dv_validator_pop(v, unpacked(field))) {
            return false;
        }
    }
    return dv_validator_push(v, VT_REF | exact_bit(v) | inst->index);
}

/* Packed fields are read by get_s and get_u, others by get. */
static bool check_sign(Validator *v, ValType type, bool has_sign)
{
    bool is_packed = type != unpacked(type);
    return is_packed == has_sign ||
           dv_validator_fail(v, "type mismatch: %s of a field of type %s",
                             has_sign ? "signed or unsigned read" : "plain read",
                             dv_validator_type_text(v, type));
}

static bool check_struct_field(Validator *v, const WasmInst *inst)
{
    const SubType *type;
    if (!dv_validator_find_type(v, inst->index, COMP_STRUCT, &type)) {
        return false;
    }
    if (inst->index2 >= type->num_fields) {
        return dv_validator_fail(v, "unknown field %u of type %u", (unsigned)inst->index2,
                                 (unsigned)inst->index);
    }
    const FieldType *field = &type->fields[inst->index2];
    ValType ref = VT_REF | VT_NULL | inst->index;
    if (inst->op == W_struct_set) {
        if (!field->is_mutable) {
            return dv_validator_fail(v, "immutable field %u of type %u", (unsigned)inst->index2,
                                     (unsigned)inst->index);
        }
        return dv_validator_pop(v, unpacked(field->type)) && dv_validator_pop(v, ref);
    }
    return check_sign(v, field->type, inst->op != W_struct_get) && dv_validator_pop(v, ref) &&
           dv_validator_push(v, unpacked(field->type));
}

static bool check_ref_get_desc(Validator *v, const WasmInst *inst)
{
    ValType ref;
    if (!dv_validator_check_type(v, VT_REF | (inst->index & VT_INDEX)) ||
        inst->index >= v->module->types.len) {
        return dv_validator_fail(v, "unknown type %u", (unsigned)inst->index);
    }
    const SubType *type = &v->module->types.data[inst->index];
    if (!type->has_descriptor) {
        return dv_validator_fail(v, "type without descriptor: type %u", (unsigned)inst->index);
    }
    if (!dv_validator_pop_ref(v, &ref)) {
        return false;
    }
    ValType wanted = VT_REF | VT_NULL | inst->index;
    if (!dv_wasm_is_subtype(v->module, ref, wanted)) {
        return fail_types(v, "type mismatch: instruction requires the first of", wanted, ref);
    }
    bool is_exact = dv_wasm_is_subtype(v->module, ref, wanted | VT_EXACT);
    return dv_validator_push(v, VT_REF | (is_exact ? VT_EXACT : 0) | type->descriptor);
}

/* ---- arrays ---- */

/* Pops that many operands of a type; in unreachable code as many as there are. */
static bool pop_repeated(Validator *v, ValType type, u64 count)
{
    for (u64 i = 0; i < count; i++) {
        const ControlFrame *frame = dv_validator_frame(v);
        if (frame->is_unreachable && v->stack.len == frame->height) {
            return true;
        }
        if (!dv_validator_pop(v, type)) {
            return false;
        }
    }
    return true;
}

static bool check_no_references(Validator *v, const FieldType *field)
{
    return !vt_is_ref(field->type) ||
           dv_validator_fail(v, "array type is not numeric or vector: %s",
                             dv_validator_type_text(v, field->type));
}

static bool check_array_new(Validator *v, const WasmInst *inst)
{
    const SubType *type;
    const ElemDecl *elem;
    if (!dv_validator_find_type(v, inst->index, COMP_ARRAY, &type)) {
        return false;
    }
    const FieldType *field = &type->fields[0];
    ValType value = unpacked(field->type);
    bool ok;
    switch (inst->op) {
    case W_array_new:
        ok = dv_validator_pop(v, VT_I32) && dv_validator_pop(v, value);
        break;
    case W_array_new_default:
        ok = (is_defaultable(value) ||
              dv_validator_fail(v, "type mismatch: elements of type %u have no default value",
                                (unsigned)inst->index)) &&
             dv_validator_pop(v, VT_I32);
        break;
    case W_array_new_fixed:
        ok = pop_repeated(v, value, inst->value);
        break;
    case W_array_new_data:
        ok = check_no_references(v, field) && check_data(v, inst->index2) &&
             dv_validator_pop(v, VT_I32) && dv_validator_pop(v, VT_I32);
        break;
    default:
        ok = find_elem(v, inst->index2, &elem) &&
             (dv_wasm_is_subtype(v->module, elem->type, field->type) ||
              fail_types(v, "type mismatch: array and segment", field->type, elem->type)) &&
             dv_validator_pop(v, VT_I32) && dv_validator_pop(v, VT_I32);
        break;
    }
    return ok && dv_validator_push(v, VT_REF | exact_bit(v) | inst->index);
}

static bool check_array_element(Validator *v, const WasmInst *inst)
{
    const SubType *type;
    if (!dv_validator_find_type(v, inst->index, COMP_ARRAY, &type)) {
        return false;
    }
    return check_sign(v, type->fields[0].type, inst->op != W_array_get) &&
           dv_validator_pop(v, VT_I32) && dv_validator_pop(v, VT_REF | VT_NULL | inst->index) &&
           dv_validator_push(v, unpacked(type->fields[0].type));
}

static bool check_array_copy(Validator *v, const WasmInst *inst, const FieldType *to)
{
    const SubType *from;
    if (!dv_validator_find_type(v, inst->index2, COMP_ARRAY, &from)) {
        return false;
    }
    if (!dv_wasm_is_subtype(v->module, from->fields[0].type, to->type)) {
        return fail_types(v, "array types do not match", to->type, from->fields[0].type);
    }
    ValType operands[5] = {VT_REF | VT_NULL | inst->index, VT_I32, VT_REF | VT_NULL | inst->index2,
                           VT_I32, VT_I32};
    return dv_validator_pop_list(v, operands, 5);
}

/* array.set, fill, copy, init: the array must be mutable. */
static bool check_array_write(Validator *v, const WasmInst *inst)
{
    const SubType *type;
    const ElemDecl *elem;
    if (!dv_validator_find_type(v, inst->index, COMP_ARRAY, &type)) {
        return false;
    }
    const FieldType *field = &type->fields[0];
    ValType ref = VT_REF | VT_NULL | inst->index;
    if (!field->is_mutable) {
        return dv_validator_fail(v, "immutable array: type %u", (unsigned)inst->index);
    }
    ValType init[4] = {ref, VT_I32, VT_I32, VT_I32};
    ValType fill[4] = {ref, VT_I32, unpacked(field->type), VT_I32};
    switch (inst->op) {
    case W_array_set:
        return dv_validator_pop_list(v, fill, 3);
    case W_array_fill:
        return dv_validator_pop_list(v, fill, 4);
    case W_array_copy:
        return check_array_copy(v, inst, field);
    case W_array_init_data:
        return check_no_references(v, field) && check_data(v, inst->index2) &&
               dv_validator_pop_list(v, init, 4);
    default:
        return find_elem(v, inst->index2, &elem) &&
               (dv_wasm_is_subtype(v->module, elem->type, field->type) ||
                fail_types(v, "type mismatch: array and segment", field->type, elem->type)) &&
               dv_validator_pop_list(v, init, 4);
    }
}

/* ---- tables ---- */

static bool check_table_copy(Validator *v, const WasmInst *inst)
{
    const TableDecl *to;
    const TableDecl *from;
    if (!find_table(v, inst->index, &to) || !find_table(v, inst->index2, &from)) {
        return false;
    }
    if (!dv_wasm_is_subtype(v->module, from->type, to->type)) {
        return fail_types(v, "type mismatch: tables", to->type, from->type);
    }
    bool both64 = to->limits.index64 && from->limits.index64;
    ValType operands[3] = {dv_index_type(&to->limits), dv_index_type(&from->limits),
                           both64 ? VT_I64 : VT_I32};
    return dv_validator_pop_list(v, operands, 3);
}

static bool check_table_init(Validator *v, const WasmInst *inst)
{
    const TableDecl *table;
    const ElemDecl *elem;
    if (!find_table(v, inst->index2, &table) || !find_elem(v, inst->index, &elem)) {
        return false;
    }
    if (!dv_wasm_is_subtype(v->module, elem->type, table->type)) {
        return fail_types(v, "type mismatch: table and segment", table->type, elem->type);
    }
    ValType operands[3] = {dv_index_type(&table->limits), VT_I32, VT_I32};
    return dv_validator_pop_list(v, operands, 3);
}

static bool check_table(Validator *v, const WasmInst *inst)
{
    const TableDecl *table;
    if (!find_table(v, inst->index, &table)) {
        return false;
    }
    ValType index = dv_index_type(&table->limits);
    ValType fill[3] = {index, table->type, index};
    switch (inst->op) {
    case W_table_get:
        return dv_validator_pop(v, index) && dv_validator_push(v, table->type);
    case W_table_set:
        return dv_validator_pop_list(v, fill, 2);
    case W_table_size:
        return dv_validator_push(v, index);
    case W_table_grow:
        return dv_validator_pop_list(v, fill + 1, 2) && dv_validator_push(v, index);
    default:
        return dv_validator_pop_list(v, fill, 3);
    }
}

/* ---- one instruction ---- */

static bool check_array_inst(Validator *v, const WasmInst *inst)
{
    switch (inst->op) {
    case W_array_new:
    case W_array_new_default:
    case W_array_new_fixed:
    case W_array_new_data:
    case W_array_new_elem:
        return check_array_new(v, inst);
    case W_array_get:
    case W_array_get_s:
    case W_array_get_u:
        return check_array_element(v, inst);
    case W_array_len:
        return dv_validator_pop(v, nullable(abstract_ref(HEAP_ARRAY))) &&
               dv_validator_push(v, VT_I32);
    default:
        return check_array_write(v, inst);
    }
}

static bool check_plain_ref_inst(Validator *v, const WasmInst *inst)
{
    ValType ref;
    switch (inst->op) {
    case W_ref_null:
        return dv_validator_check_type(v, inst->type) && dv_validator_push(v, inst->type);
    case W_ref_is_null:
        return dv_validator_pop_ref(v, &ref) && dv_validator_push(v, VT_I32);
    case W_ref_func:
        return check_ref_func(v, inst);
    case W_ref_eq:
        return check_ref_eq(v);
    case W_ref_as_non_null:
        return dv_validator_pop_ref(v, &ref) && dv_validator_push(v, ref & ~VT_NULL);
    case W_br_on_null:
        return check_br_on_null(v, inst->index);
    case W_br_on_non_null:
        return check_br_on_non_null(v, inst->index);
    case W_any_convert_extern:
        return check_convert(v, HEAP_EXTERN, HEAP_ANY);
    case W_extern_convert_any:
        return check_convert(v, HEAP_ANY, HEAP_EXTERN);
    case W_ref_i31:
        return dv_validator_pop(v, VT_I32) && dv_validator_push(v, abstract_ref(HEAP_I31));
    case W_i31_get_s:
    case W_i31_get_u:
        return dv_validator_pop(v, nullable(abstract_ref(HEAP_I31))) &&
               dv_validator_push(v, VT_I32);
    default:
        return check_array_inst(v, inst);
    }
}

bool dv_validate_ref_inst(Validator *v, const WasmInst *inst)
{
    switch (inst->op) {
    case W_table_get:
    case W_table_set:
    case W_table_size:
    case W_table_grow:
    case W_table_fill:
        return check_table(v, inst);
    case W_table_copy:
        return check_table_copy(v, inst);
    case W_table_init:
        return check_table_init(v, inst);
    case W_ref_test:
    case W_ref_test_null:
        return check_ref_test(v, inst);
    case W_ref_cast:
    case W_ref_cast_null:
        return check_ref_cast(v, inst, false);
    case W_ref_cast_desc_eq:
    case W_ref_cast_desc_eq_null:
        return check_ref_cast(v, inst, true);
    case W_br_on_cast:
    case W_br_on_cast_fail:
    case W_br_on_cast_desc_eq:
    case W_br_on_cast_desc_eq_fail:
        return check_br_on_cast(v, inst);
    case W_struct_new:
    case W_struct_new_default:
    case W_struct_new_desc:
    case W_struct_new_default_desc:
        return check_struct_new(v, inst);
    case W_struct_get:
    case W_struct_get_s:
    case W_struct_get_u:
    case W_struct_set:
        return check_struct_field(v, inst);
    case W_ref_get_desc:
        return check_ref_get_desc(v, inst);
    default:
        return check_plain_ref_inst(v, inst);
    }
}
