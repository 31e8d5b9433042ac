/* request.h - the way of a request through the roles */
#pragma once

#include "role/pass.h"

/* The steps in order, until one gives the verdict; DROP is counted. */
enum verdict request_input(struct pass *p);
