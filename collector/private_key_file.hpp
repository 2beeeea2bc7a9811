#pragma once

#include <string>

#include "core/source_file.hpp"

namespace pawl::collector {

/// `grant` with its private key, read from the file it names: relative names start from
/// `secrets_dir`. Warns of a file that others may read. Throws core::ConfigError when the file
/// cannot be read, or the key is no RSA key. Blocks (reads a file).
[[nodiscard]] core::TokenGrant with_private_key(core::TokenGrant grant,
                                                const std::string& secrets_dir);

}  // namespace pawl::collector
