#pragma once

// The one include of libpqxx. Debian 12 builds libpqxx 6.4 as C++17: with __cpp_lib_source_location
// visible its headers would declare functions that the library does not have.
#include <version>
#pragma push_macro("__cpp_lib_source_location")
#undef __cpp_lib_source_location
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wpedantic"
#include <pqxx/pqxx>
#pragma GCC diagnostic pop
// exec_params is the one form with parameters that 6.4 and 7.10 share; 7.10 calls it deprecated.
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
#pragma pop_macro("__cpp_lib_source_location")
