# SPDX-License-Identifier: Apache-2.0
"""Policy documents: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html"""

import json


def document(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
