#pragma once

#include <map>
#include <memory>
#include <string>

#include "collector/http.hpp"
#include "collector/walk_context.hpp"
#include "core/source_file.hpp"

namespace pawl::collector {

/// What an API's answer to "whose key is this" means.
struct KeyOwner {
    std::string owner;   ///< alias; "" where the answer does not tell
    bool refused = false;  ///< the API does not take the key
    std::string problem;   ///< why there is neither, in words
};

/// Pure. The account is shortened to 64 bytes, and bytes that no alias has become `_`.
[[nodiscard]] KeyOwner read_key_owner(const core::SourceFile& source, const HttpResult& result);

/// Asks the API for the accounts of keys that nobody wrote an owner for (`credentials.owner`), once for each key and all
/// processes, and groups the keys of `context` by them: two keys of one account share one budget from then on. Each such
/// request is paid for under the key's provisional name. A key that cannot be asked about keeps that name; the next call
/// tries again. Does nothing where the source file has no `credentials.owner`. Throws core::ConfigError when Redis refuses
/// us for good.
core::Task<> learn_key_owners(WalkContext& context, std::shared_ptr<const core::SourceFile> source);

}  // namespace pawl::collector
