"""What an issuer does about a rejected event, by its code. Its content is not in the books."""

from typing import NamedTuple

from farechain.pages.language import Words


class Remedy(NamedTuple):
    """What was wrong, and what to do."""

    why: Words
    then: Words


REPAIR = Words(
    "Repair what the device or adapter writes and send the event again: a rejected one has taken no place.",
    "修正设备或适配程序后重新发送即可，被拒事件不占用付款标识。",
)
REMEDIES = {
    "E_SCHEMA": Remedy(Words("Not an event as it should be", "事件格式不符"), REPAIR),
    "E_SIZE": Remedy(Words("Larger than 64 KiB", "超过 64 KiB"), REPAIR),
    "E_DEPTH": Remedy(Words("Nested too deep", "嵌套过深"), REPAIR),
    "E_SIGNATURE": Remedy(
        Words("The signature does not verify", "签名验证不通过"),
        Words(
            "It names a key of yours and was not signed with it: a broken device, a changed message, or a "
            "forgery. If it goes on, look at the device; if it is not yours, tell the operator of the topic.",
            "事件声称使用您的密钥，但并非由其签名：可能是设备故障、报文被改动或伪造。持续出现请检查设备；"
            "若非您方发送，请通知主题运营方。",
        ),
    ),
    "E_KEY_UNKNOWN": Remedy(
        Words("The key is not registered", "密钥未登记"),
        Words(
            "Register the device's key, then send the event again.",
            "先登记该设备密钥，再重新发送事件。",
        ),
    ),
    "E_KEY_EXPIRED": Remedy(
        Words(
            "The key is retired, revoked, or not valid at that height", "密钥已停用、已吊销或不在有效区块内"
        ),
        Words(
            "Payments that a retired gate made in time: admit the key until then, then send them again. "
            "A revoked key stays out.",
            "已停用闸机此前产生的付款：先在该密钥页面设置迟到入账期限，再重新发送。已吊销密钥不再受理。",
        ),
    ),
    "E_ROLE": Remedy(
        Words("This key may not say that", "该密钥无此权限"),
        Words(
            "A payment: the device is not registered for this scene or seller; check its scenes and register "
            "it anew. A command: another role gives it.",
            "付款事件：设备未登记该场景或销售方，请核对场景并重新登记。指令：应由其他角色提交。",
        ),
    ),
    "E_CHAIN": Remedy(
        Words("Made for another network", "属于其他网络"),
        Words("Set the device's network name, then send again.", "修改设备网络名称后重新发送。"),
    ),
    "E_SHARD": Remedy(Words("Another chain keeps this", "属于其他链"), REPAIR),
    "E_USCC_FORMAT": Remedy(Words("The tax id is malformed", "税号格式有误"), REPAIR),
    "E_USCC_CHECKSUM": Remedy(Words("The tax id's check digit is wrong", "税号校验位有误"), REPAIR),
    "E_AMOUNT_NEGATIVE": Remedy(
        Words("A negative amount", "金额为负"),
        Words("A refund is an event of its own: send it as one.", "退款应作为单独的退款事件发送。"),
    ),
    "E_AMOUNT_FLOAT": Remedy(
        Words("An amount that is not whole fen", "金额不是整数分"),
        Words("Write amounts as whole fen, then send again.", "金额须以整数分书写，修正后重新发送。"),
    ),
    "E_AMOUNT_OVERFLOW": Remedy(Words("An amount that is too large", "金额过大"), REPAIR),
    "E_TIME_NO_OFFSET": Remedy(
        Words("A time without its offset from UTC", "时间缺少时区"),
        Words("Write times with +08:00, then send again.", "时间须带 +08:00，修正后重新发送。"),
    ),
    "E_TIME_FUTURE": Remedy(
        Words("Over 48 hours in the future", "时间超前 48 小时以上"),
        Words(
            "Set the device's clock, then send again with the right time.",
            "校准设备时钟后以正确时间重新发送。",
        ),
    ),
    "E_OVER_INVOICED": Remedy(Words("More to invoice than was paid", "可开票金额大于实付"), REPAIR),
    "E_PAYMENT_CONFLICT": Remedy(
        Words("The same payment with other content", "同一付款内容不一致"),
        Words(
            "The first one counts. Find out which is right; correct a wrong one with a refund and a new "
            "payment id.",
            "以首次入账为准。请核实，如首次有误，以退款和新的付款编号更正。",
        ),
    ),
    "E_RED_EXCEEDS": Remedy(
        Words("Refunds of more than was paid", "退款合计大于实付"),
        Words("Check the refund's amount and which payment it names.", "核对退款金额及其对应付款。"),
    ),
    "E_RATE_NOT_ALLOWED": Remedy(
        Words("The rate is not allowed on that day", "当日不适用该税率"),
        Words(
            "Correct the mandate, or ask the bureau about the rate table.",
            "修改开票授权，或就税率表咨询税务机关。",
        ),
    ),
    "E_STATE": Remedy(
        Words("A command that the state did not permit", "当前状态不允许该指令"),
        Words("Look at what stands now; nothing was changed.", "请查看当前状态；未发生任何变更。"),
    ),
}
"""What a payment event of a device, or a command of an operator, is usually refused for."""
OTHER = Remedy(
    Words("Refused; the code says why", "已拒绝，原因见代码"),
    Words("Nothing was changed. Correct it and give it again.", "未发生任何变更，更正后可重新提交。"),
)
"""For a code that is not among them."""
