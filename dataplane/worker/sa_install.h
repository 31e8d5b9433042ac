/* sa_install.h - control's records about security associations, as esp/ takes them */
#pragma once

#include "abi/install.h"
#include "esp/sa.h"

/* Management thread. For struct install: `context` is a struct esp_sas. enum
 * abi_install_status. */
int sa_install(void *context, const struct abi_install_view *v);
