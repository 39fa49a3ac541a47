"""Why there is no answer: codes, each with a sentence in English and in French."""

REASONS = {
    "no_face": {
        "en": "No face was found in the picture.",
        "fr": "Aucun visage n’a été trouvé sur l’image.",
    },
    "too_small": {
        "en": "The face is too small: it has too few pixels to tell an expression.",
        "fr": "Le visage est trop petit : il a trop peu de pixels pour lire une expression.",
    },
    "too_dark": {
        "en": "The face is too dark.",
        "fr": "Le visage est trop sombre.",
    },
    "too_blurred": {
        "en": "The face is too blurred, or shows nothing at all.",
        "fr": "Le visage est trop flou, ou ne montre rien du tout.",
    },
    "low_confidence": {
        "en": "The network is not sure enough of either answer.",
        "fr": "Le réseau n’est assez sûr d’aucune des deux réponses.",
    },
}
"""For a picture that was read: why the status is "cannot say"."""

PICTURE_FAULTS = {
    "no_file": {
        "en": "No picture came with the request. Choose a file first.",
        "fr": "La demande est arrivée sans image. Choisissez d’abord un fichier.",
    },
    "empty": {
        "en": "The file is empty.",
        "fr": "Le fichier est vide.",
    },
    "too_many_bytes": {
        "en": "The file is larger than 10 MB. Choose a smaller one.",
        "fr": "Le fichier dépasse 10 Mo. Choisissez-en un plus petit.",
    },
    "not_a_picture": {
        "en": "This is not a picture of a kind that can be read here. Expected JPEG, PNG, WebP or BMP.",
        "fr": "Ce n’est pas une image lisible ici. Formats acceptés : JPEG, PNG, WebP ou BMP.",
    },
    "too_large": {
        "en": "The picture has more than 40 million pixels. Choose a smaller one.",
        "fr": "L’image a plus de 40 millions de pixels. Choisissez-en une plus petite.",
    },
    "broken": {
        "en": "The picture is damaged: it cannot be read to its end.",
        "fr": "L’image est abîmée : elle ne peut pas être lue jusqu’au bout.",
    },
}
"""For a picture that could not be read."""
