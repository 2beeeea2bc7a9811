#include "core/json_array.hpp"

#include "core/errors.hpp"

namespace pawl::core {

void check_decoded(const std::string& json) {
    if (json.size() > decoded_bytes_max)
        throw PermanentError("as JSON it is over the bound of " + std::to_string(decoded_bytes_max) + " bytes");
}

}  // namespace pawl::core
