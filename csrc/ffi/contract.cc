// What this library was built for, read by the loader before any handler is registered.
//
// Contract: one constant string, "sortax-kernels abi=A ffi=MAJOR.MINOR", where A changes with the attributes and
// operands of the handlers and MAJOR.MINOR is the version of XLA's interface in the headers compiled in; and once it is
// loaded, the name of the vector instructions that it uses on this processor.

#include "core/isa.h"
#include "ffi/handler.h"

#define SORTAX_ABI 8
#define SORTAX_TEXT(x) #x
#define SORTAX_VALUE(x) SORTAX_TEXT(x)

SORTAX_EXPORT const char sortax_contract[];
const char sortax_contract[] = "sortax-kernels abi=" SORTAX_VALUE(SORTAX_ABI) " ffi=" SORTAX_VALUE(
    XLA_FFI_API_MAJOR) "." SORTAX_VALUE(XLA_FFI_API_MINOR);

SORTAX_EXPORT const char* sortax_instructions();
const char* sortax_instructions() { return sortax::name_of_instructions(); }
