/* version.h - what --version, `sakerctl version` and saker_build_info say */
#pragma once

#define SAKER_VERSION "0.1.0"
