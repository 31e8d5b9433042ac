# One list of warnings for the whole project.
add_compile_options(
	-Wall -Wextra -Werror=implicit-function-declaration -Wshadow -Wstrict-prototypes
	-Wmissing-prototypes -Wpointer-arith -Wwrite-strings -Wvla -Wundef
	-Wno-unused-parameter -fno-common -fno-omit-frame-pointer -g)

# x86-64-v2 is the base line of the build; wider SIMD is chosen at run time.
if(CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
	add_compile_options(-march=x86-64-v2 -mtune=generic)
endif()

if(SAKER_SANITIZE)
	add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=undefined -O1)
	add_link_options(-fsanitize=address,undefined)
	# Interposing a second allocator and AddressSanitizer exclude each other.
	set(SAKER_JEMALLOC OFF)
else()
	add_compile_options(-fstack-protector-strong -fPIE)
	add_compile_definitions($<$<CONFIG:Release>:_FORTIFY_SOURCE=2>)
	add_link_options(-pie -Wl,-z,relro,-z,now)
	set(SAKER_JEMALLOC ON)
endif()
# Assertions stay in release builds; those on the packet path are compile-time.
string(REPLACE "-DNDEBUG" "" CMAKE_C_FLAGS_RELEASE "${CMAKE_C_FLAGS_RELEASE}")
