# saker_library(NAME FOLDER <dir> SOURCES <files> USES <libraries> LINK <external targets>)
#
# Makes the library `saker_NAME`. Its headers are included as "NAME/file.h", by
# itself and by the libraries that name it in USES, and by nobody else: each
# library's folder is the only thing in its own include root.
function(saker_library NAME)
	cmake_parse_arguments(A "" "" "SOURCES;USES;LINK" ${ARGN})
	set(root ${CMAKE_BINARY_DIR}/include/${NAME})
	file(MAKE_DIRECTORY ${root})
	file(CREATE_LINK ${CMAKE_CURRENT_SOURCE_DIR} ${root}/${NAME} SYMBOLIC)
	if(A_SOURCES)
		add_library(saker_${NAME} STATIC ${A_SOURCES})
		set(scope PUBLIC)
	else()
		add_library(saker_${NAME} INTERFACE)
		set(scope INTERFACE)
	endif()
	target_include_directories(saker_${NAME} ${scope} ${root})
	foreach(used ${A_USES})
		target_link_libraries(saker_${NAME} ${scope} saker_${used})
	endforeach()
	target_link_libraries(saker_${NAME} ${scope} ${A_LINK})
endfunction()

# saker_test(NAME SOURCES <files> USES <libraries> LINK <external>): a cmocka
# program, run by ctest.
function(saker_test NAME)
	cmake_parse_arguments(A "" "" "SOURCES;USES;LINK" ${ARGN})
	add_executable(${NAME} ${A_SOURCES})
	foreach(used ${A_USES})
		target_link_libraries(${NAME} PRIVATE saker_${used})
	endforeach()
	target_link_libraries(${NAME} PRIVATE ${A_LINK} cmocka)
	add_test(NAME ${NAME} COMMAND ${NAME})
	set_tests_properties(${NAME} PROPERTIES TIMEOUT 120)
endfunction()

# saker_fuzz(NAME SOURCES <files> USES <libraries>): a libFuzzer harness.
function(saker_fuzz NAME)
	cmake_parse_arguments(A "" "" "SOURCES;USES;LINK" ${ARGN})
	add_executable(${NAME} ${A_SOURCES})
	foreach(used ${A_USES})
		target_link_libraries(${NAME} PRIVATE saker_${used})
	endforeach()
	target_link_libraries(${NAME} PRIVATE ${A_LINK})
	target_link_options(${NAME} PRIVATE -fsanitize=fuzzer)
endfunction()
