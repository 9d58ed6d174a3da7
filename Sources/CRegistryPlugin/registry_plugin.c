/* The boundary is declarations alone; a C target needs a source file. */
#include "registry_plugin.h"
