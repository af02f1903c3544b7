# One compiler, one set of flags per profile (docs/decisions/0002-clang-ships.md).
if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang" OR CMAKE_CXX_COMPILER_VERSION VERSION_LESS 19)
  message(FATAL_ERROR "Vallum is built with clang 19: use a preset, or pass -DCMAKE_CXX_COMPILER=clang++-19")
endif()

set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_SCAN_FOR_MODULES OFF)

find_program(VALLUM_CCACHE ccache)
if(VALLUM_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${VALLUM_CCACHE}")
endif()

add_library(vallum_flags INTERFACE)
target_include_directories(vallum_flags INTERFACE "${PROJECT_SOURCE_DIR}/src")
target_compile_options(vallum_flags INTERFACE -fno-omit-frame-pointer)
target_link_options(vallum_flags INTERFACE -fuse-ld=lld-19)

if(VALLUM_PROFILE STREQUAL "release")
  # The prefix map keeps the checkout's path out of what ships. Other profiles go without: it would keep checkouts from
  # sharing a compiler cache.
  target_compile_options(vallum_flags INTERFACE -O2 -g0 -flto=thin -fstack-protector-strong
    -fstack-clash-protection -fcf-protection -ffile-prefix-map=${PROJECT_SOURCE_DIR}=.)
  target_compile_definitions(vallum_flags INTERFACE _FORTIFY_SOURCE=2 _GLIBCXX_ASSERTIONS)
  target_link_options(vallum_flags INTERFACE -flto=thin -pie -Wl,-z,relro,-z,now -Wl,--gc-sections
    -Wl,--thinlto-jobs=2)
elseif(VALLUM_PROFILE STREQUAL "dev")
  target_compile_options(vallum_flags INTERFACE -O0 -g1)
  target_compile_definitions(vallum_flags INTERFACE VALLUM_DCHECKS _GLIBCXX_ASSERTIONS)
elseif(VALLUM_PROFILE STREQUAL "asan")
  target_compile_options(vallum_flags INTERFACE -O1 -g1 -fsanitize=address,undefined -fno-sanitize=function
    -fno-sanitize-recover=all)
  target_compile_definitions(vallum_flags INTERFACE VALLUM_DCHECKS _GLIBCXX_ASSERTIONS)
  target_link_options(vallum_flags INTERFACE -fsanitize=address,undefined)
elseif(VALLUM_PROFILE STREQUAL "tsan")
  target_compile_options(vallum_flags INTERFACE -O1 -g1 -fsanitize=thread)
  target_compile_definitions(vallum_flags INTERFACE VALLUM_DCHECKS _GLIBCXX_ASSERTIONS)
  target_link_options(vallum_flags INTERFACE -fsanitize=thread)
elseif(VALLUM_PROFILE STREQUAL "coverage")
  target_compile_options(vallum_flags INTERFACE -O0 -g0 -fprofile-instr-generate -fcoverage-mapping)
  target_compile_definitions(vallum_flags INTERFACE _GLIBCXX_ASSERTIONS)
  target_link_options(vallum_flags INTERFACE -fprofile-instr-generate)
elseif(VALLUM_PROFILE STREQUAL "fuzz")
  target_compile_options(vallum_flags INTERFACE -O1 -g1 -fsanitize=address,undefined,fuzzer-no-link
    -fno-sanitize=function -fno-sanitize-recover=all)
  target_compile_definitions(vallum_flags INTERFACE VALLUM_DCHECKS _GLIBCXX_ASSERTIONS)
  target_link_options(vallum_flags INTERFACE -fsanitize=address,undefined)
else()
  message(FATAL_ERROR "VALLUM_PROFILE: '${VALLUM_PROFILE}' is not one of dev, asan, tsan, fuzz, coverage, release")
endif()

# Warnings apply to our code only: third-party headers come in as SYSTEM.
add_library(vallum_warnings INTERFACE)
target_compile_options(vallum_warnings INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion
  -Wsign-conversion -Wold-style-cast -Wnon-virtual-dtor -Woverloaded-virtual -Wcast-align
  -Wnull-dereference -Wimplicit-fallthrough -Wextra-semi -Wthread-safety -Wdangling
  $<$<BOOL:${VALLUM_WERROR}>:-Werror>)
# GoogleTest needs global constructors, so only libraries are held to these two.
add_library(vallum_library_warnings INTERFACE)
target_compile_options(vallum_library_warnings INTERFACE -Wglobal-constructors -Wexit-time-destructors)
