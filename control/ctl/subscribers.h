/* subscribers.h - the commands of the HSS that carry a file */
#pragma once

#include "ctl/ctl.h"

ctl_run subscribers_send_file;
ctl_run subscribers_put_profile;
ctl_run subscribers_export;
