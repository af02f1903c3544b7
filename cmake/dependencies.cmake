# Every third-party library, found once. Modules name the targets of the right column in vallum_module(LIBS ...).
find_package(Threads REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)          # OpenSSL::SSL OpenSSL::Crypto
find_package(Protobuf REQUIRED)             # protobuf::libprotobuf
find_package(CURL REQUIRED)                 # CURL::libcurl
find_package(Boost 1.81 REQUIRED COMPONENTS json)  # Boost::json
find_package(fmt REQUIRED)                  # fmt::fmt
find_package(CLI11 REQUIRED)                # CLI11::CLI11
find_package(prometheus-cpp REQUIRED)       # prometheus-cpp::core
find_package(absl REQUIRED)                 # absl::time
find_package(PkgConfig REQUIRED)
pkg_check_modules(sodium REQUIRED IMPORTED_TARGET libsodium)   # PkgConfig::sodium
pkg_check_modules(yaml REQUIRED IMPORTED_TARGET yaml-0.1)      # PkgConfig::yaml
pkg_check_modules(sqlite3 REQUIRED IMPORTED_TARGET sqlite3)    # PkgConfig::sqlite3
pkg_check_modules(libpq REQUIRED IMPORTED_TARGET libpq)        # PkgConfig::libpq
pkg_check_modules(cares REQUIRED IMPORTED_TARGET libcares)     # PkgConfig::cares
pkg_check_modules(xxhash REQUIRED IMPORTED_TARGET libxxhash)   # PkgConfig::xxhash
pkg_check_modules(psl REQUIRED IMPORTED_TARGET libpsl)         # PkgConfig::psl
pkg_check_modules(re2 REQUIRED IMPORTED_TARGET re2)            # PkgConfig::re2
pkg_check_modules(grpcpp REQUIRED IMPORTED_TARGET grpc++)      # PkgConfig::grpcpp
find_program(VALLUM_GRPC_PLUGIN grpc_cpp_plugin REQUIRED)      # package protobuf-compiler-grpc
if(VALLUM_TESTS)
  find_package(GTest REQUIRED)
endif()
if(VALLUM_BENCH)
  find_package(benchmark REQUIRED)
endif()
