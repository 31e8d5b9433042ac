/* config.h - the commands about saker.yaml; they ask no daemon */
#pragma once

#include "ctl/ctl.h"

ctl_run config_check;
ctl_run config_example;
ctl_run config_show;
ctl_run config_diff;
