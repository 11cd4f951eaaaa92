/* object.h - a native module as an object file that linkers take. */
#ifndef DV_OBJECT_OBJECT_H
#define DV_OBJECT_OBJECT_H

#include "codegen/object/module.h"

/* `source` names what the lines are in. False, with the reason, if a symbol is missing. */
bool dv_obj_write(ObjModule *module, const char *source, Diag *diag, ByteBuf *out);

#endif
