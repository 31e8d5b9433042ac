/* version.h - what this program calls itself */
#pragma once

#define SAKER_VERSION "0.1.0"
